package tryfiles_test

import (
	"strings"
	"testing"

	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/modules"
)

// FuzzTarget asks for anything below locations with try_files, root and alias:
// there is always an answer, and never a file outside of the site's folder.
func FuzzTarget(f *testing.F) {
	s := httptest.Start(f, modules.HTTP(), httptest.Site{
		HTTP: `server { listen {{addr}}; root {{dir}}/html; access_log off; error_log /dev/null crit;
			try_files $uri $uri/ /a.txt;
			location /alias/ { alias {{dir}}/html/; try_files $uri $uri/ $arg_x /alias/a.txt; }
			location /short { alias {{dir}}/html; try_files $uri $arg_x =404; }
			location /named/ { try_files $arg_x @named; }
			location @named { return 200 named; } }`,
		Files: map[string]string{"html/a.txt": "inside", "html/dir/a.txt": "inside", "html/dir/index.html": "inside", "outside.txt": "OUTSIDE"},
	})
	for _, target := range []string{"/", "/a.txt", "/alias/", "/alias/../outside.txt", "/short", "/short/../../outside.txt", "/named/?x=/a.txt", "/alias/?x=", "/short?x=dir/"} {
		f.Add(target)
	}
	f.Fuzz(func(t *testing.T, target string) {
		if strings.ContainsAny(target, " \r\n") || !strings.HasPrefix(target, "/") {
			return
		}
		answer := s.For(t).Raw(httptest.Request("GET", target))
		if !strings.HasPrefix(answer, "HTTP/1.1 ") {
			t.Errorf("%q: %q", target, answer)
		}
		path, args, _ := strings.Cut(target, "?")
		if strings.Contains(answer, "OUTSIDE") && !strings.Contains(args, "..") {
			t.Errorf("%q reaches a file outside: %q", path, answer)
		}
	})
}
