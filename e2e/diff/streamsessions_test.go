package diff_test

import (
	"crypto/tls"
	"fmt"
	"net"
	"strings"
)

// clientHello is the first message of a TLS client that asks for a name and protocols.
func clientHello(name string, highest uint16, protocols ...string) string {
	near, far := net.Pipe()
	go func() {
		_ = tls.Client(far, &tls.Config{ServerName: name, InsecureSkipVerify: true, NextProtos: protocols, MaxVersion: highest}).Handshake()
		_ = far.Close() // it is never answered
	}()
	room := make([]byte, 16<<10)
	n, _ := near.Read(room)
	_ = near.Close()
	return strings.ReplaceAll(string(room[:n]), "|", "!") // which only scripts know; randoms may be anything
}

const (
	relayed  = "proxy_pass {{back}};"
	proxied4 = "PROXY TCP4 192.0.2.7 192.0.2.8 1234 5678\r\n"
	look     = ` ssl_preread on; return "$ssl_preread_protocol $ssl_preread_server_name $ssl_preread_alpn_protocols";`
)

func behind(text string) string { return text + " " + relayed }

func servers(text string) string {
	return "upstream u{{n}} { " + text + " } server { listen {{here}}; proxy_pass u{{n}}; }"
}

var (
	helloNamed = clientHello("Mail.Example.com", tls.VersionTLS13, "h2", "http/1.1")
	helloBare  = clientHello("", tls.VersionTLS12)
)

// headerLine is for a broken header of the PROXY protocol.
func headerLine(line string) *unlike {
	said := fmt.Sprintf("[error] broken header: %q while reading PROXY protocol, client: 127.0.0.1, server: HERE\n", line)
	return &unlike{reason: "the error log shows the header without its end of line", outcome: "client:\n\nbackend:\n\nlog:\n" +
		"400 TCP 0 0 <-|-|-|- - -> T 127.0.0.1 127.0.0.1 - -\n" + said + said + "[info] client 127.0.0.1:PORT connected to HERE\n"}
}

// peeked is for a client of TLS whose first message was looked at.
var peeked = since131("what was looked at counts as received", "200 TCP 0 2", fmt.Sprintf("200 TCP %d 2", len(helloNamed)),
	"to client:0/2", fmt.Sprintf("to client:%d/2", len(helloNamed)))

var sessions = []streamCase{
	// Texts.
	{"return", `return "text\n";`, "", "", nil},
	{"return, the client talks first", `return text;`, "hello", "", nil},
	{"return of nothing", `return "";`, "", "", nil},
	{"return of variables", `return "$remote_addr $server_addr $protocol <$upstream_addr> $status $bytes_sent";`, "", "", nil},
	{"return of a long text", "return " + strings.Repeat("0123456789", 400) + ";", "", "", nil},
	{"set", `set $a one; set $b "$a two"; return "$b";`, "", "", nil},
	{"map", `map $server_addr $m{{n}} { 127.0.0.1 mapped; } server { listen {{here}}; return $m{{n}}; }`, "", "", nil},
	{"geo", `geo $g{{n}} { default far; 127.0.0.0/8 near; } server { listen {{here}}; return $g{{n}}; }`, "", "", nil},
	{"split_clients", `split_clients "10.0.0.1" $s{{n}} { 50% one; * two; } split_clients cc $t{{n}} { 33% a; 33% b; * c; } server { listen {{here}}; return "$s{{n}} $t{{n}}"; }`, "", "", nil},

	// Who comes in.
	{"deny", behind("deny 127.0.0.1;"), "", "hello", nil},
	{"allow before deny", behind("allow 127.0.0.0/8; deny all;"), "hi|got hello|", "|got hi|hello", nil},
	{"PROXY protocol", `server { listen {{here}} proxy_protocol; return "$proxy_protocol_addr:$proxy_protocol_port $proxy_protocol_server_addr:$proxy_protocol_server_port $remote_addr"; }`, proxied4, "", nil},
	{"PROXY protocol of a trusted one", `server { listen {{here}} proxy_protocol; set_real_ip_from 127.0.0.1; deny 192.0.2.7; return in; }`, proxied4, "", nil},
	{"PROXY protocol of a stranger", `server { listen {{here}} proxy_protocol; set_real_ip_from 192.0.2.1; return $remote_addr; }`, proxied4, "", nil},
	{"PROXY protocol and more", `server { listen {{here}} proxy_protocol; proxy_pass {{back}}; }`, proxied4 + "rest|got ok|", "|got rest|ok", nil},
	{"PROXY protocol, unknown", `server { listen {{here}} proxy_protocol; return "<$proxy_protocol_addr>"; }`, "PROXY UNKNOWN\r\n", "", nil},
	{"no PROXY protocol", `server { listen {{here}} proxy_protocol; return never; }`, "GET / HTTP/1.0\r\n\r\n", "", headerLine("GET / HTTP/1.0")},
	{"broken PROXY protocol", `server { listen {{here}} proxy_protocol; return never; }`, "PROXY TCP4 1.2.3\r\n", "", headerLine("PROXY TCP4 1.2.3")},
	{"closed before the PROXY protocol", `server { listen {{here}} proxy_protocol; return never; }`, "|half|", "", nil},
	{"limit_conn below", `limit_conn_zone $remote_addr zone=z{{n}}:64k; server { listen {{here}}; limit_conn z{{n}} 1; return "in $limit_conn_status"; }`, "", "", nil},
	{"limit_conn twice", `limit_conn_zone $remote_addr zone=z{{n}}:64k; server { listen {{here}}; limit_conn z{{n}} 1; proxy_pass {{again.unix}}; } server { listen {{again.unix}}; limit_conn z{{n}} 1; return never; }`, "", "", nil},

	// A look at what comes first.
	{"ssl_preread", look, helloNamed, "", nil},
	{"ssl_preread without a name", look, helloBare, "", nil},
	{"ssl_preread in pieces", look, helloNamed[:3] + "|pause|" + helloNamed[3:100] + "|pause|" + helloNamed[100:], "", nil},
	{"ssl_preread of something else", look, "GET / HTTP/1.0\r\n\r\n", "", nil},
	{"ssl_preread of half a message", look, helloNamed[:100] + "|half|", "", nil},
	{"ssl_preread of nothing", look, "|half|", "", nil},
	{"ssl_preread with a full buffer", "preread_buffer_size 64;" + look, helloNamed, "", nil},
	{"ssl_preread without time", "preread_timeout 50ms;" + look, helloNamed[:50], "", nil},
	{"ssl_preread passes all", behind("ssl_preread on;"), helloNamed + "|got ok|", "|got " + helloNamed[len(helloNamed)-20:] + "|ok", peeked},
	{"ssl_preread chooses", `map $ssl_preread_server_name $p{{n}} { Mail.Example.com {{back}}; default {{dead}}; } server { listen {{here}}; ssl_preread on; proxy_pass $p{{n}}; }`, helloNamed + "|got ok|", "|got " + helloNamed[len(helloNamed)-20:] + "|ok", peeked},

	// To an upstream and back.
	{"relay", relayed, "hi|got hello|", "|got hi|hello", nil},
	{"relay, the server talks first", relayed, "|got hello|hi|half|", "hello|got hi|", nil},
	{"relay, the client is gone at once", relayed, "|half|", "|end|", nil},
	{"relay, the server closes at once", relayed, "|end|", "", nil},
	{"relay, much", relayed, strings.Repeat(longBody, 4000) + "last|got end|", "|got last|" + strings.Repeat(longBody, 4000) + "end", nil},
	{"half close", behind("proxy_half_close on;"), "hi|half||got hello|", "|end|hello", nil},
	{"no half close", relayed, "hi|got ok||half|", "|got hi|ok|end|late", nil},
	{"PROXY protocol out", behind("proxy_protocol on;"), "hi|got ok|", "|got hi|ok", nil},
	{"PROXY protocol in and out", `server { listen {{here}} proxy_protocol; set_real_ip_from 127.0.0.1; proxy_protocol on; proxy_pass {{back}}; }`, proxied4 + "hi|got ok|", "|got hi|ok", nil},
	{"nobody listens", "proxy_pass {{dead}};", "", "", nil},
	{"the second of two", servers("server {{dead}}; server {{back}};"), "hi|got ok|", "|got hi|ok", nil},
	{"a backup", servers("server {{dead}} max_fails=0; server {{back}} backup;"), "hi|got ok|", "|got hi|ok", nil},
	{"no other one", "upstream u{{n}} { server {{dead}}; server {{back}}; } server { listen {{here}}; proxy_next_upstream off; proxy_pass u{{n}}; }", "", "", nil},
	{"one try", "upstream u{{n}} { server {{dead}}; server {{back}}; } server { listen {{here}}; proxy_next_upstream_tries 1; proxy_pass u{{n}}; }", "", "", nil},
	{"all are down", servers("server {{back}} down; server {{dead}} down;"), "", "", nil},
	{"hash", servers("hash $remote_addr; server {{back}};"), "hi|got ok|", "|got hi|ok", nil},
	{"hash, consistent", servers("hash $remote_addr consistent; server {{back}};"), "hi|got ok|", "|got hi|ok", nil},
	{"least_conn in a zone", servers("zone u{{n}} 64k; least_conn; server {{back}};"), "hi|got ok|", "|got hi|ok", nil},
	{"random", servers("random two; server {{back}}; server {{back}} down;"), "hi|got ok|", "|got hi|ok", nil},
	{"a variable", `set $to {{back}}; proxy_pass $to;`, "hi|got ok|", "|got hi|ok", nil},
	{"an empty variable", `set $to ""; proxy_pass $to;`, "", "", nil},
	{"a variable without a port", `set $to 127.0.0.1; proxy_pass $to;`, "", "", nil},
	{"a variable with a name", `set $to nowhere.example:1; proxy_pass $to;`, "", "", nil},
	{"a variable with a group", `upstream u{{n}} { server {{back}}; } server { listen {{here}}; set $to u{{n}}; proxy_pass $to; }`, "hi|got ok|", "|got hi|ok", nil},
	{"proxy_bind", behind("proxy_bind 127.0.0.1;"), "hi|got ok|", "|got hi|ok", nil},
	{"proxy_bind to nonsense", behind("proxy_bind $hostname-none;"), "hi|got ok|", "|got hi|ok", nil},
	{"proxy_timeout", behind("proxy_timeout 100ms;"), "hi", "|end|", nil},
	{"rates", behind("proxy_download_rate 10m; proxy_upload_rate 10m;"), "hi|got ok|", "|got hi|ok", nil},
	{"unix sockets", `server { listen {{here}}; proxy_pass {{up.unix}}; } server { listen {{up.unix}}; access_log off; return "<$remote_addr> <$server_port>"; }`, "", "", nil},
	{"no unix socket", `proxy_pass {{none.unix}};`, "", "", nil},
	{"the server resets", relayed, "hi", "|got hi||reset|", nil},
}
