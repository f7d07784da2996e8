package ssl_test

import (
	"testing"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/http/ssl"
)

// What Debian's stock nginx.conf says of TLS loads, and wrong words do not.
func TestSettingsWithoutListeners(t *testing.T) {
	features := []http.Module{ssl.Feature}
	tests := []struct{ http, want string }{
		{"ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; ssl_prefer_server_ciphers on;", ""},
		{"ssl_protocols TLSv9;", `invalid value "TLSv9"`},
		{"ssl_prefer_server_ciphers maybe;", `invalid value "maybe" in "ssl_prefer_server_ciphers" directive, it must be "on" or "off"`},
		{"ssl_certificate_cache max=10 inactive=1m valid=2h;", ""},
		{"ssl_certificate_cache off;", ""},
		{"ssl_certificate_cache valid=2h;", `"ssl_certificate_cache" must have the "max" parameter`},
		{"ssl_certificate_cache max=0;", `invalid parameter "max=0"`},
		{"ssl_certificate_cache max=1 valid=x;", `invalid parameter "valid=x"`},
		{"ssl_certificate_cache on;", `invalid parameter "on"`},
		{"ssl_certificate_cache off; ssl_certificate_cache max=1;", `"ssl_certificate_cache" directive is duplicate`},
		{"ssl_session_cache shared:a:1m; ssl_session_tickets off;", ""},
		{"ssl_session_cache shared:a:1k;", `session cache "shared:a:1k" is too small`},
		{"ssl_session_cache shared:a;", `invalid session cache "shared:a"`},
		{"ssl_session_cache builtin:x;", `invalid session cache "builtin:x"`},
		{"ssl_session_cache memory;", `invalid session cache "memory"`},
		{"ssl_conf_command SignatureAlgorithms RSA+SHA256;", `"SignatureAlgorithms" in "ssl_conf_command" is not supported`},
		{"ssl_certificate_compression off;", ""},
		{"ssl_certificate_compression on;", `"ssl_certificate_compression" is not supported`},
		{"ssl_early_data on;", `"ssl_early_data" is not supported`},
		{"ssl_ech_file x;", `"ssl_ech_file" is not supported`},
		{"ssl_prefer_server_ciphers on; ssl_prefer_server_ciphers on;", `"ssl_prefer_server_ciphers" directive is duplicate`},
	}
	for _, tt := range tests {
		if got := httptest.Rejected(t, features, httptest.Site{HTTP: tt.http}); got != tt.want {
			t.Errorf("%s\ngot  %s\nwant %s", tt.http, got, tt.want)
		}
	}
}

// Settings of servers that are listened for, and what is wrong with them.
func TestSettingsOfServers(t *testing.T) {
	files, _ := pair(t, "one")
	more, _ := pair(t, "two")
	for name, text := range more {
		files[name] = text
	}
	files["dh.pem"] = "-----BEGIN DH PARAMETERS-----\nMAYCASMCAQI=\n-----END DH PARAMETERS-----\n"
	const one = "ssl_certificate {{dir}}/one.crt; ssl_certificate_key {{dir}}/one.key; "
	tests := []struct{ server, want string }{
		{one, ""},
		{"ssl_certificate {{dir}}/$host.crt; ssl_certificate_key {{dir}}/$host.key;", ""},
		{"ssl_certificate {{dir}}/$host.crt;", `no "ssl_certificate_key" is defined for certificate "{{dir}}/$host.crt"`},
		{"ssl_certificate {{dir}}/$nothing.crt; ssl_certificate_key {{dir}}/$host.key;", `unknown "nothing" variable`},
		{one + "ssl_session_cache shared:a:1m; ssl_session_tickets off;", ""},
		{one + "ssl_dhparam {{dir}}/dh.pem;", ""},
		{one + "ssl_dhparam {{dir}}/none.pem;", `BIO_new_file("{{dir}}/none.pem") failed (SSL: error:80000002:system library::No such file or directory:calling fopen({{dir}}/none.pem, r) error:10000080:BIO routines::no such file)`},
		{one + "ssl_dhparam {{dir}}/one.crt;", `PEM_read_bio_Parameters("{{dir}}/one.crt") failed (SSL: error:0480006C:PEM routines::no start line:Expecting: DH PARAMETERS)`},
		{one + "ssl_conf_command Options -SessionTicket,ServerPreference;", ""},
		{one + "ssl_conf_command Options Bugs;", `"Bugs" in "Options" of "ssl_conf_command" is not supported`},
		{one + "ssl_conf_command Ciphersuites TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256;", ""},
		{one + "ssl_conf_command Ciphersuites TLS_AES_256_GCM_SHA384;", `"Ciphersuites" without "TLS_AES_128_GCM_SHA256" is not supported, crypto/tls has it always`},
		{one + "ssl_conf_command Certificate {{dir}}/two.crt; ssl_conf_command PrivateKey {{dir}}/two.key;", ""},
		{one + "ssl_conf_command PrivateKey {{dir}}/two.key;", `"PrivateKey" in "ssl_conf_command" without "Certificate" before it is not supported`},
		{one + "ssl_conf_command Certificate {{dir}}/two.crt;", `"Certificate" in "ssl_conf_command" without "PrivateKey" behind it is not supported`},
		{"ssl_certificate {{dir}}/$host.crt; ssl_certificate_key {{dir}}/$host.key; ssl_conf_command Certificate {{dir}}/two.crt; ssl_conf_command PrivateKey {{dir}}/two.key;",
			`variables in "ssl_certificate" besides "Certificate" in "ssl_conf_command" are not supported`},
	}
	for _, tt := range tests {
		site := httptest.Site{Files: files, HTTP: "server { listen {{addr}} ssl; " + tt.server + " }"}
		if got := httptest.Rejected(t, features(), site); got != tt.want {
			t.Errorf("%s\ngot  %s\nwant %s", tt.server, got, tt.want)
		}
	}
}
