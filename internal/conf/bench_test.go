package conf

import (
	"fmt"
	"strings"
	"testing"
)

// manyServers is a configuration of n server blocks with three locations each.
func manyServers(n int) string {
	var b strings.Builder
	b.WriteString("note events;\nhttp {\n")
	for i := range n {
		fmt.Fprintf(&b, `    server {
        note listen 127.0.0.1:8081;
        note server_name site%[1]d.example.com www.site%[1]d.example.com;
        flag off;
        note root /var/www/site%[1]d;
        note index index.html index.htm;
        location / {
            note try_files $uri $uri/ =404;
        }
        location /static/ {
            note alias /srv/static/site%[1]d/;
        }
        location = /health {
            note return 200 "ok";
        }
        note error_page 404 /404.html;
    }
`, i)
	}
	b.WriteString("}\n")
	return b.String()
}

// BenchmarkParse reads 2,645 server blocks: the number of the target.
func BenchmarkParse(b *testing.B) {
	text := manyServers(2645)
	reg := testRegistry()
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse("/c/main.conf", files{"/c/main.conf": text}, reg, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStatements(b *testing.B) {
	text := []byte(manyServers(2645))
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		statementsOf("/c/main.conf", text)
	}
}
