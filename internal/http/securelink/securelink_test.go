package securelink_test

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/modules"
)

func sum(text string) []byte {
	s := md5.Sum([]byte(text))
	return s[:]
}

func TestAsNginx(t *testing.T) {
	const say = `return 200 "<$secure_link> <$secure_link_expires>\n";`
	site := httptest.Site{HTTP: `
		server {
			listen {{addr}};
			location /none { ` + say + ` }
			location /link { secure_link $arg_h; secure_link_md5 secret$uri; ` + say + ` }
			location /time { secure_link $arg_h,$arg_t; secure_link_md5 secret$uri$arg_t; ` + say + ` }
			location /own { secure_link $arg_h,$arg_t; secure_link_md5 secret$secure_link_expires; ` + say + ` }
			location /half { secure_link $arg_h; ` + say + ` }
			location /p/ {
				secure_link_secret secret; ` + say + `
				location /p/new/ { secure_link Xr4ilOzQ4PCOq3aQ0qbuaQ==; secure_link_md5 secret; ` + say + ` }
				location /p/inherited/ { ` + say + ` }
			}
		}`}
	targets := []string{"/none", "/link", "/half?h=x", "/p/new/", "/p/", "/p/x", "/p%2f", "/p/foo/x"}
	link := base64.RawURLEncoding.EncodeToString(sum("secret/link"))
	for _, h := range []string{link, link + "==", link + "QQ", link + "-TOOLONG", link[:20], "BADHASHLENGTH", "", ",", link + ",", link[:21] + "X==", link[:21] + "!", link + "=x"} {
		targets = append(targets, "/link?h="+h, "/time?h="+h+"&t=1")
	}
	for _, time := range []string{"9999999999", "1", "0", "-1", "", "x", "99999999999999999999", "1,2"} {
		targets = append(targets, "/time?t="+time+"&h="+base64.RawURLEncoding.EncodeToString(sum("secret/time"+time)),
			"/own?t="+time+"&h="+base64.RawURLEncoding.EncodeToString(sum("secret"+time)))
	}
	for _, path := range []string{"a.txt", "a/b", "a%20b?x=y", ""} {
		hash := hex.EncodeToString(sum(path + "secret"))
		targets = append(targets, "/p/"+hash+"/"+path, "/p/"+strings.ToUpper(hash)+"/"+path, "/p/"+hash[1:]+"x/"+path, "/p/inherited/"+hash+"/"+path)
	}
	httptest.Compare(t, modules.HTTP(), site, httptest.Gets(targets...))
}

func TestRejectedAsNginx(t *testing.T) {
	for _, text := range []string{
		`secure_link;`, `secure_link a; secure_link b;`, `secure_link_md5 a b;`, `secure_link_secret a; secure_link_secret b;`,
		`secure_link a; secure_link_secret b;`, `secure_link_md5 a; secure_link_secret b;`, `secure_link $nowhere;`,
	} {
		httptest.CompareRejected(t, modules.HTTP(), httptest.Site{HTTP: `server { listen {{addr}}; ` + text + ` }`})
	}
}
