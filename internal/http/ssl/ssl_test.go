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
		{"ssl_prefer_server_ciphers on; ssl_prefer_server_ciphers on;", `"ssl_prefer_server_ciphers" directive is duplicate`},
	}
	for _, tt := range tests {
		if got := httptest.Rejected(t, features, httptest.Site{HTTP: tt.http}); got != tt.want {
			t.Errorf("%s\ngot  %s\nwant %s", tt.http, got, tt.want)
		}
	}
}
