package ssl_test

import (
	"crypto/tls"
	"io"
	"testing"

	"github.com/baton-project/baton/internal/modules"
	"github.com/baton-project/baton/internal/stream/streamtest"
)

// ask does a handshake and returns what the server says then.
func ask(s *streamtest.Server, name string, c *tls.Config) (string, error) {
	c.InsecureSkipVerify = true
	conn := tls.Client(s.Dial(name), c)
	defer func() { _ = conn.Close() }()
	said, err := io.ReadAll(conn)
	return string(said), err
}

func TestSSL(t *testing.T) {
	certificate, key := streamtest.Certificate(t, "a.example")
	other, otherKey := streamtest.Certificate(t, "b.example", "more.example")
	s := streamtest.Start(t, modules.Stream(), streamtest.Site{
		Files: map[string]string{"a.crt": certificate, "a.key": key, "b.crt": other, "b.key": otherKey},
		Stream: `
		ssl_certificate {{dir}}/a.crt; ssl_certificate_key {{dir}}/a.key;
		log_format test "$server_port $status $ssl_protocol $ssl_server_name";
		access_log {{dir}}/access.log test;
		server { listen {{a}} ssl; ssl_alpn one two; return "first <$ssl_alpn_protocol> $ssl_protocol $ssl_session_reused $ssl_client_verify"; }
		server { listen {{a}} ssl; server_name b.example *.wild.example ~^r(?<rest>.*)\.example$; ssl_certificate {{dir}}/b.crt; ssl_certificate_key {{dir}}/b.key; ssl_alpn three; return "second $server_name <$ssl_alpn_protocol> $rest"; }
		server { listen {{old}} ssl; ssl_protocols TLSv1.2; ssl_ciphers ECDHE-ECDSA-AES256-GCM-SHA384; ssl_ecdh_curve prime256v1; return "$ssl_protocol $ssl_cipher $ssl_curve"; }
		server { listen {{named}} ssl; ssl_certificate {{dir}}/$file.crt; ssl_certificate_key {{dir}}/$file.key; ssl_certificate_cache max=4; return "$file $ssl_session_reused"; }
		map $ssl_server_name $file { default a; b.example b; none.example none; }
		server { listen {{kept}} ssl; ssl_session_cache shared:kept:1m; ssl_session_tickets off; return "$ssl_session_reused"; }
		server { listen {{must}} ssl; ssl_verify_client on; ssl_client_certificate {{dir}}/a.crt; return "$ssl_client_verify $ssl_client_s_dn $ssl_client_i_dn $ssl_client_serial"; }
		server { listen {{may}} ssl; ssl_verify_client optional; ssl_client_certificate {{dir}}/a.crt; return "$ssl_client_verify"; }
		server { listen {{any}} ssl; ssl_verify_client optional_no_ca; return "$ssl_client_verify"; }
		server { listen {{reject}} ssl; ssl_reject_handshake on; }
		server { listen {{reject}} ssl; server_name a.example; return in; }
		server { listen {{slow}} ssl; ssl_handshake_timeout 50ms; return never; }
		server { listen {{proxied}} ssl proxy_protocol; return "$proxy_protocol_addr"; }
	`})
	pair := func(certificate, key string) []tls.Certificate {
		made, err := tls.X509KeyPair([]byte(certificate), []byte(key))
		if err != nil {
			t.Fatal(err)
		}
		return []tls.Certificate{made}
	}
	mine, strange := pair(certificate, key), pair(other, otherKey)
	shown := func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &strange[0], nil } // asked for or not
	kept, kept12 := &tls.Config{ClientSessionCache: tls.NewLRUClientSessionCache(1)}, &tls.Config{ClientSessionCache: tls.NewLRUClientSessionCache(1), MaxVersion: tls.VersionTLS12}
	for _, tt := range []struct {
		name   string
		config *tls.Config
		want   string
	}{
		{"a", &tls.Config{}, "first <> TLSv1.3 . NONE"},
		{"a", &tls.Config{NextProtos: []string{"two", "zero"}}, "first <two> TLSv1.3 . NONE"},
		{"a", &tls.Config{NextProtos: []string{"zero"}}, ""},
		{"named", &tls.Config{}, "a ."},
		{"named", &tls.Config{ServerName: "b.example"}, "b ."},
		{"named", &tls.Config{ServerName: "none.example"}, ""},
		{"kept", kept, "."}, {"kept", kept, "r"}, {"kept", kept12, "."}, {"kept", kept12, "r"},
		{"a", &tls.Config{ServerName: "b.example", NextProtos: []string{"three", "one"}}, "second b.example <three> "},
		{"a", &tls.Config{ServerName: "x.wild.example"}, "second b.example <> "},
		{"a", &tls.Config{ServerName: "regex.example"}, "second b.example <> egex"},
		{"a", &tls.Config{ServerName: "none.example"}, "first <> TLSv1.3 . NONE"},
		{"old", &tls.Config{}, "TLSv1.2 ECDHE-ECDSA-AES256-GCM-SHA384 prime256v1"},
		{"old", &tls.Config{MinVersion: tls.VersionTLS13}, ""},
		{"must", &tls.Config{Certificates: mine}, "SUCCESS CN=a.example CN=a.example 02"},
		{"must", &tls.Config{GetClientCertificate: shown}, ""},
		{"must", &tls.Config{}, ""},
		{"may", &tls.Config{}, "NONE"},
		{"any", &tls.Config{Certificates: strange}, "FAILED:self-signed certificate"},
		{"reject", &tls.Config{}, ""},
		{"reject", &tls.Config{ServerName: "a.example"}, "in"},
	} {
		if got, err := ask(s, tt.name, tt.config); got != tt.want {
			t.Errorf("%s, %q %v: %q, %v, want %q", tt.name, tt.config.ServerName, tt.config.NextProtos, got, err, tt.want)
		}
	}
	if got := s.Say("a", "GET / HTTP/1.0\r\n\r\n"); got != "" && got[0] != 21 {
		t.Errorf("%q", got) // an alert is fine
	}
	if got := s.Say("slow", ""); got != "" {
		t.Errorf("%q", got)
	}
	c := s.Dial("proxied")
	_, _ = io.WriteString(c, "PROXY TCP4 192.0.2.7 192.0.2.8 1 2\r\n")
	secured := tls.Client(c, &tls.Config{InsecureSkipVerify: true})
	if got, err := io.ReadAll(secured); string(got) != "192.0.2.7" {
		t.Errorf("%q, %v", got, err)
	}
	at := func(name string) string {
		return " while SSL handshaking, client: 127.0.0.1, server: " + s.Address(name)
	}
	s.WaitFor("error.log", "client sent no required SSL certificate"+at("must"))
	s.WaitFor("error.log", `client SSL certificate verify error: \(18:self-signed certificate\)`+at("must"))
	s.WaitFor("error.log", `SSL_do_handshake\(\) failed \(SSL: .*\)`+at("a"))
	s.WaitFor("access.log", s.Address("must.port")+" 500 TLSv1.3 -")
	s.WaitFor("access.log", s.Address("reject.port")+" 500 - -")
}

// A session is resumed, with the tickets of one server.
func TestResumption(t *testing.T) {
	certificate, key := streamtest.Certificate(t, "a.example")
	s := streamtest.Start(t, modules.Stream(), streamtest.Site{
		Files: map[string]string{"a.crt": certificate, "a.key": key},
		Stream: `
		ssl_certificate {{dir}}/a.crt; ssl_certificate_key {{dir}}/a.key;
		server { listen {{on}} ssl; return "$ssl_session_reused"; }
		server { listen {{off}} ssl; ssl_session_tickets off; ssl_session_cache off; return "$ssl_session_reused"; }
	`})
	for name, want := range map[string]string{"on": ".r", "off": ".."} {
		config := &tls.Config{ServerName: "a.example", ClientSessionCache: tls.NewLRUClientSessionCache(1)}
		first, _ := ask(s, name, config)
		second, _ := ask(s, name, config)
		if first+second != want {
			t.Errorf("%s: %q, want %q", name, first+second, want)
		}
	}
}

func TestRejected(t *testing.T) {
	for _, text := range []string{
		"listen {{a}} ssl;", "listen {{a}}; ssl_certificate;", "listen {{a}}; ssl_protocols TLSv9;", "listen {{a}}; ssl_verify_client maybe;",
		"listen {{a}}; ssl_session_cache shared:x;", "listen {{a}}; ssl_handshake_timeout x;", "listen {{a}} ssl; ssl_certificate {{dir}}/none; ssl_certificate_key {{dir}}/none;",
		"listen {{a}}; ssl_alpn;", "listen {{a}}; ssl_alpn a; ssl_alpn b;",
	} {
		streamtest.CompareRejected(t, modules.Stream(), "server { return x; "+text+" }")
	}
}
