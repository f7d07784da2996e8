package e2e_test

import (
	"os"
	"strings"
	"testing"

	"github.com/baton-project/baton/e2e"
)

// cloudSite is how sites of the kind of Nextcloud are set up.
const cloudSite = `http {
	types { text/html html; text/css css; text/javascript js mjs; image/svg+xml svg; }
	default_type application/octet-stream;
	client_body_temp_path {{dir}}/client; fastcgi_temp_path {{dir}}/fcgi;
	upstream php-handler { server {{php.unix}}; }
	map $arg_v $asset_immutable { "" ""; default ", immutable"; }
	server {
		listen {{web}}; server_name example.test; server_tokens off;
		client_max_body_size 512M; client_body_timeout 300s; fastcgi_buffers 64 4K; client_body_buffer_size 512k;
		gzip on; gzip_vary on; gzip_comp_level 4; gzip_min_length 256; gzip_proxied expired no-cache no-store private no_last_modified no_etag auth;
		gzip_types text/css text/javascript image/svg+xml;
		add_header Referrer-Policy "no-referrer" always; add_header X-Content-Type-Options "nosniff" always;
		fastcgi_hide_header X-Powered-By;
		root {{dir}}/www;
		index index.php index.html /index.php$request_uri;
		location = / { if ( $http_user_agent ~ ^DavClnt ) { return 302 /remote.php/webdav/$is_args$args; } }
		location = /robots.txt { allow all; log_not_found off; access_log off; }
		location ^~ /.well-known {
			location = /.well-known/carddav { return 301 /remote.php/dav/; }
			location = /.well-known/caldav { return 301 /remote.php/dav/; }
			location /.well-known/acme-challenge { try_files $uri $uri/ =404; }
			return 301 /index.php$request_uri;
		}
		location ~ ^/(?:build|tests|config|lib|3rdparty|templates|data)(?:$|/) { return 404; }
		location ~ ^/(?:\.|autotest|occ|issue|indie|db_|console) { return 404; }
		location ~ \.php(?:$|/) {
			rewrite ^/(?!index|remote|public|cron|status) /index.php$request_uri;
			fastcgi_split_path_info ^(.+?\.php)(/.*)$;
			set $path_info $fastcgi_path_info;
			try_files $fastcgi_script_name =404;
			include fastcgi_params;
			fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
			fastcgi_param PATH_INFO $path_info;
			fastcgi_param modHeadersAvailable true;
			fastcgi_param front_controller_active true;
			fastcgi_pass php-handler;
			fastcgi_intercept_errors on; fastcgi_request_buffering off; fastcgi_max_temp_file_size 0;
		}
		location ~ \.(?:css|js|mjs|svg)$ {
			try_files $uri /index.php$request_uri;
			add_header Cache-Control "public, max-age=15778463$asset_immutable";
		}
		location /remote { return 301 /remote.php$request_uri; }
		location / { try_files $uri $uri/ /index.php$request_uri; }
	}
}`

// cloudScript tells what it was asked, and takes files.
const cloudScript = `<?php
if ($_SERVER['REQUEST_METHOD'] == 'PUT') {
	http_response_code(201);
	header('OC-ETag: "' . sha1(file_get_contents('php://input')) . '"');
	exit;
}
header('Content-Type: text/plain');
header('X-Powered-By: hidden');
foreach (['SCRIPT_NAME', 'PATH_INFO', 'QUERY_STRING', 'REQUEST_URI', 'front_controller_active'] as $name) echo "$name=", $_SERVER[$name] ?? '-', "\n";
`

// A site in the way of Nextcloud answers as the same one of nginx.
func TestCloudSite(t *testing.T) {
	start := func(program string) *e2e.Server {
		b := e2e.New(t, cloudSite)
		p := newPHP(t, b.Dir)
		b.Use(program)
		params, err := os.ReadFile("/etc/nginx/fastcgi_params")
		if err != nil {
			t.Skipf("Debian's files for FastCGI are not there: %v", err)
		}
		b.Write("fastcgi_params", string(params))
		mkdir(t, b, "logs", "www/core/css", "www/data", "www/apps", "www/.well-known/acme-challenge")
		b.Write("www/index.php", cloudScript)
		b.Write("www/remote.php", cloudScript)
		b.Write("www/robots.txt", "User-agent: *\n")
		b.Write("www/core/css/server.css", strings.Repeat("p { color: blue }\n", 50))
		b.Write("www/data/secret.txt", "secret\n")
		b.Write("www/.well-known/acme-challenge/token", "proof\n")
		p.start()
		b.Launch()
		b.WaitReady()
		return b
	}
	b, nginx := start(e2e.Binary()), start(e2e.Nginx(t))
	for _, c := range []struct{ send, want string }{
		{get("/"), "SCRIPT_NAME=/index.php\n"},
		{get("/", "User-Agent: DavClnt"), "Location: http://example.test:port/remote.php/webdav/\r\n"},
		{get("/robots.txt"), "User-agent: *"},
		{get("/.well-known/carddav"), "/remote.php/dav/\r\n"},
		{get("/.well-known/webfinger?resource=x"), "/index.php/.well-known/webfinger?resource=x\r\n"},
		{get("/.well-known/acme-challenge/token"), "proof\n"},
		{get("/data/secret.txt"), "404 Not Found"},
		{get("/.htaccess"), "404 Not Found"},
		{get("/index.php/apps/files/?dir=/a%20b"), "PATH_INFO=/apps/files/\nQUERY_STRING=dir=/a%20b\n"},
		{get("/apps/files/?dir=/a"), "SCRIPT_NAME=/index.php\n"},
		{get("/s/AbC123"), "SCRIPT_NAME=/index.php\nPATH_INFO=/s/AbC123\n"},
		{get("/other.php/x"), "SCRIPT_NAME=/index.php\nPATH_INFO=/other.php/x\n"},
		{get("/remote"), "/remote.php/remote\r\n"},
		{get("/core/css/server.css?v=1"), "Cache-Control: public, max-age=15778463, immutable\r\n"},
		{get("/core/css/server.css", "Accept-Encoding: gzip"), "Content-Encoding: gzip\r\n"},
		{get("/core/css/none.css"), "SCRIPT_NAME=/index.php\n"},
		{strings.Replace(post("/remote.php/dav/files/me/big.bin", "application/octet-stream", bigText), "POST", "PUT", 1), `"` + sum(bigText) + `"`},
		{strings.Replace(get("/index.php"), "GET", "HEAD", 1), "X-Content-Type-Options: nosniff\r\n"},
	} {
		whole, got := phpAnswer(t, b, c.send)
		reference, want := phpAnswer(t, nginx, c.send)
		if !strings.Contains(whole, c.want) {
			t.Errorf("%.60q: no %q in\n%.2000s\nnginx: %.2000s", c.send, c.want, whole, reference)
		}
		if got != want && !strings.Contains(whole, "gzip") {
			t.Errorf("%.60q: %s\nnginx: %s", c.send, firstDifference(got, want), firstDifference(want, got))
		}
	}
}
