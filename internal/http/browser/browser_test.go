package browser_test

import (
	"testing"

	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/modules"
)

func TestAsNginx(t *testing.T) {
	const say = `return 200 "<$modern_browser> <$ancient_browser> <$msie>\n";`
	site := httptest.Site{HTTP: `
		ancient_browser_value old;
		server {
			listen {{addr}};
			location /none { ` + say + ` }
			location /modern {
				modern_browser msie 5.5; modern_browser Gecko 1.0.1; modern_browser safari 413; modern_browser konqueror 3.4; modern_browser_value a; modern_browser_value new;
				` + say + `
				location /modern/inner { ancient_browser Links; ` + say + ` }
				location /modern/other { modern_browser opera 8; ` + say + ` }
			}
			location /unlisted { modern_browser unlisted; ancient_browser Lynx "Links" netscape4; ` + say + ` }
			location /both { modern_browser opera 7.50; modern_browser unlisted; ancient_browser MSIE; ` + say + ` }
		}`}
	var cases []httptest.Case
	for _, target := range []string{"/none", "/modern", "/modern/inner", "/modern/other", "/unlisted", "/both"} {
		cases = append(cases, httptest.Gets(target)...)
		for _, agent := range []string{
			"", "curl/8", "Lynx/2.8", "Links (1.0)", "Mozilla/4.72 [en]", "Mozilla/4.72 [en] (X11)", "Mozilla/5.0 (X11)", "Mozilla/9",
			"Opera/7.50 (X11; FreeBSD i386; U)  [en]", "Opera/7.49", "Opera", "Opera/", "Mozilla/4.0 (compatible; MSIE 6.0; X11; FreeBSD i386) Opera 8.0  [en]",
			"Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)", "Mozilla/4.0 (compatible; MSIE 5.4; Windows)", "Mozilla/4.0 (compatible; MSIE 5.5)", "Mozilla/4.0 (compatible; MSIE ", "MSIE 6.0",
			"Mozilla/5.0 (X11; U; Linux i686; en-US; rv:1.0.0) Gecko/20020610", "Mozilla/5.0 (X11; rv:1.0.1) Gecko", "Mozilla/5.0 (X11; rv:1.0.2.9.9.9) Gecko", "Mozilla/5.0 (X11; rv:115.0) Gecko/20100101 Firefox/115.0",
			"Mozilla/5.0 (Macintosh) AppleWebKit/418 (KHTML, like Gecko) Safari/417.9.3", "Mozilla/5.0 (SymbianOS/9.1) AppleWebKit/413 (KHTML, like Gecko) Safari/412",
			"Mozilla/5.0 (compatible; Konqueror/3.1; Linux)", "Mozilla/5.0 (compatible; Konqueror/3.5; FreeBSD)", "MSIE 6", "MSIE 6.", "MSIE 6.0 Opera",
		} {
			cases = append(cases, httptest.Case{Name: target + " " + agent, Request: httptest.Request("GET", target, "User-Agent: "+agent)})
		}
	}
	httptest.Compare(t, modules.HTTP(), site, cases)
}

func TestRejectedAsNginx(t *testing.T) {
	for _, text := range []string{
		`modern_browser;`, `modern_browser msie x;`, `modern_browser msie 5.5a;`, `modern_browser mosaic 1;`, `modern_browser msie 1 2;`,
		`ancient_browser;`, `modern_browser_value a b;`,
	} {
		httptest.CompareRejected(t, modules.HTTP(), httptest.Site{HTTP: `server { listen {{addr}}; ` + text + ` }`})
	}
}
