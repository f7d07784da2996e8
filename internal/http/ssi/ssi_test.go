package ssi_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/modules"
)

// pages are texts with commands, one file for each.
var pages = []string{
	`plain text`,
	`a <!-- comment --> b <! <- <!- <!-- <!--x <<!--#echo var="uri" -->`,
	`<!--#echo var="uri" -->|<!--#echo var="nothing" -->|<!--#echo var="nothing" default="" -->|<!--#echo var="nothing" default="<d>" -->`,
	`<!--#echo var="arg_a" -->|<!--#echo encoding="none" var="arg_a" -->|<!--#echo var="arg_a" -->|<!--#echo encoding="url" var="arg_a" -->|<!--#echo encoding="x" var="arg_a" -->|<!--#echo encoding="entity" var="arg_a" -->`,
	`<!--#set var="A" value="one <$arg_a>" --><!--#echo var="a" encoding="none" -->|<!--#set var="b" value="${a}b\$\'\"\\\x" --><!--#echo var="B" -->`,
	`<!--#set var="b" value="${a" -->|<!--#set var="b" value="$" -->|<!--#set var="b" value="${}" -->|<!--#set var="c" value="a$-" -->|<!--#set var="d" value="x${" -->`,
	`<!--#if expr="$arg_a" -->yes<!--#else -->no<!--#endif -->!`,
	`<!--#if expr="$arg_a = 1" -->one<!--#elif expr="$arg_a = 2" -->two<!--#elif expr="$arg_a != x" -->not x<!--#else -->x<!--#endif -->!`,
	`<!--#if expr="$arg_a = /^(?<first>.)(.)/" --><!--#echo var="first" -->,<!--#echo var="2" -->,<!--#echo var="0" -->,<!--#echo var="3" --><!--#else -->none<!--#endif -->`,
	`<!--#if expr="$arg_a = /x" -->bad<!--#endif -->|<!--#if expr="$arg_a ~ x" -->bad<!--#endif -->|<!--#if expr="a = \/a" -->slash<!--#endif -->|<!--#if expr="" -->empty<!--#endif -->`,
	`<!--#if expr="A=a" -->eq<!--#endif -->|<!--#if expr="'a' = 'a'" -->eq2<!--#endif -->|<!--#if expr="$arg_a=/(/" -->re<!--#endif -->|`,
	`<!--#else -->|<!--#endif -->|<!--#elif expr="a" -->|<!--#if expr="a" --><!--#if expr="b" -->in<!--#endif -->out`,
	`<!--#if expr="" --><!--#bad -->hidden<!--#echo var="uri" --><!--#else -->shown<!--#else -->again<!--#endif -->`,
	`<!--#bad -->|<!--#echo -->|<!--#echo var="a" var="b" -->|<!--#echo who="a" -->|<!--#echo var=a -->|<!--#echo var="a"x -->|<!--#echo var -->|<!--#echo var-->x-->|<!--#echo var="uri"-->`,
	`<!--#abcdefghijklmnopqrstuvwxyz0123456789 -->|<!--#echo abcdefghijklmnopqrstuvwxyz0123456789="a" -->|<!--# echo  var = "uri"  -->|<!--#echo var='uri' -->|<!--#echo var="uri" ->|--> <!--#echo var="uri" -x -->|`,
	`<!--#echo a="1" b="2" c="3" d="1" e="2" f="3" g="1" h="2" i="3" j="1" k="2" l="3" m="1" n="2" o="3" p="1" q="2" r="3" -->`,
	`<!--#echo var="` + strings.Repeat("x", 300) + `" -->|<!--#echo var="` + strings.Repeat("x", 255) + `" -->`,
	`[<!--#include virtual="/inc/a.html" -->][<!--#include file="inc/a.html" -->][<!--#include virtual="/inc/none.html" -->]`,
	`[<!--#include virtual="/inc/a.html" file="x" -->][<!--#include wait="yes" -->][<!--#include virtual="/inc/a.html" wait="maybe" -->][<!--#include file="inc/a.html" wait="yes" -->]`,
	`[<!--#include virtual="/inc/a.html?x=y" wait="yes" -->][<!--#include virtual="/inc/../inc/a.html" -->][<!--#include virtual="/inc/%61.html" -->][<!--#include virtual="$arg_i" -->]`,
	`[<!--#include virtual="/inc/a.html" set="v" -->][<!--#echo var="v" -->][<!--#include virtual="/inc/none.html" set="w" -->][<!--#echo var="w" -->][<!--#include virtual="/inc/empty.html" set="v" -->][<!--#echo var="v" -->]`,
	`[<!--#include virtual="/inc/nested.html" wait="yes" -->][<!--#echo var="fromnested" -->]`,
	`<!--#block name="one" --><b><!--#echo var="uri" --></b><!--#endblock -->[<!--#include virtual="/inc/none.html" stub="one" -->][<!--#include virtual="/inc/empty.html" stub="one" -->][<!--#include virtual="/inc/a.html" stub="one" -->][<!--#include virtual="/x" stub="two" -->][<!--#include virtual="/x" stub="one" set="a" -->]`,
	`<!--#block name="one" --><!--#if expr="$arg_a" -->A<!--#else -->B<!--#endif --><!-- x --><!--#endblock --><!--#include virtual="/inc/none.html" stub="one" -->`,
	`<!--#config errmsg="[oops]" --><!--#bad -->|<!--#config timefmt="%%Y" --><!--#echo var="date_gmt" -->|<!--#config timefmt="x" --><!--#echo var="date_local" --><!--#config timefmt="%Z%%%n%t%q" --><!--#echo var="date_gmt" -->`,
	`<!--#include virtual="/inc/loop.html" -->end`,
	`a<!--#echo var="uri"`,
	`a<!-`,
	`<!--#include virtual="/inc/moved" -->|<!--#include virtual="/inc/denied" -->|<!--#include virtual="/inc/text.txt" -->|<!--#include virtual="inc/a.html" -->`,
	`<!--#include virtual="/inc/args?q=1" --><!--#include virtual="/inc/mapped" set="m" --><!--#echo var="m" -->`,
	`<!--#set var="a" value="" --><!--#echo var="a" default="never" --><!--#if expr="$a" -->a<!--#endif --><!--#if expr="$a = " -->empty<!--#endif -->`,
}

func site() httptest.Site {
	files := map[string]string{
		"html/inc/a.html":      "A(<!--#echo var=\"uri\" -->?<!--#echo var=\"args\" -->)",
		"html/inc/empty.html":  "",
		"html/inc/nested.html": `<!--#set var="fromnested" value="n" --><<!--#include virtual="/inc/a.html" -->><!--#include virtual="a.html" set="n" -->`,
		"html/inc/loop.html":   `.<!--#include virtual="/inc/loop.html" -->`,
		"html/inc/text.txt":    `<!--#echo var="uri" -->`,
		"html/inc/denied":      "denied",
	}
	for i, text := range pages {
		files[fmt.Sprintf("html/%d.html", i)] = text
	}
	const locations = `
		location / { }
		location /silent/ { alias {{dir}}/html/; ssi_silent_errors on; ssi_last_modified on; }
		location /short/ { alias {{dir}}/html/; ssi_value_length 20; }
		location /off/ { alias {{dir}}/html/; ssi off; }
		location /gzip/ { alias {{dir}}/html/; gzip on; gzip_min_length 0; }
		location /all/ { alias {{dir}}/html/; ssi_types *; }
		location /sub/ { alias {{dir}}/html/; sub_filter uri args; sub_filter_once off; }
		location /inc/moved { return 302 /x; }
		location /inc/denied { deny all; }
		location /inc/args { default_type text/html; return 200 "$uri $args $request_uri $request_method $is_args"; }
		location /inc/mapped { return 200 "mapped"; }`
	return httptest.Site{
		HTTP: `types { text/html html; text/plain txt; }
			ssi on; log_subrequest on;
			log_format short "$request_uri $uri $status"; access_log {{dir}}/access.log short;
			server { listen {{addr}}; root {{dir}}/html; ` + locations + ` }`,
		Files: files,
	}
}

func TestAsNginx(t *testing.T) {
	var targets []string
	for i := range pages {
		for _, prefix := range []string{"/", "/silent/", "/short/"} {
			targets = append(targets, fmt.Sprintf("%s%d.html", prefix, i))
		}
		targets = append(targets, fmt.Sprintf("/%d.html?a=1&i=/inc/a.html", i), fmt.Sprintf("/%d.html?a=<%%22%%20&b>&i=/../x", i))
	}
	targets = append(targets, "/off/2.html", "/gzip/17.html", "/all/inc/text.txt", "/sub/2.html", "/inc/args?a")
	cases := httptest.Gets(targets...)
	cases = append(cases, httptest.Case{Request: httptest.Request("HEAD", "/2.html")},
		httptest.Case{Request: httptest.Request("GET", "/gzip/17.html", "Accept-Encoding: gzip")},
		httptest.Case{Request: httptest.Request("GET", "/17.html", "Range: bytes=1-2")})
	httptest.CompareUnpacked(t, modules.HTTP(), site(), cases)
}

func TestRejectedAsNginx(t *testing.T) {
	for _, text := range []string{`ssi;`, `ssi a;`, `ssi on; ssi off;`, `ssi_types;`, `ssi_value_length a;`, `ssi_min_file_chunk 1;`, `ssi_silent_errors maybe;`,
		`ssi_last_modified on on;`, `ssi_ignore_recycled_buffers on;`, `subrequest_output_buffer_size x;`, `log_subrequest x;`} {
		httptest.CompareRejected(t, modules.HTTP(), httptest.Site{HTTP: `server { listen {{addr}}; ` + text + ` }`})
	}
}
