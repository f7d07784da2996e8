// Package fastcgi passes requests on to FastCGI applications, such as php-fpm.
//
//	location ~ \.php$ {
//		fastcgi_pass unix:/run/php/php-fpm.sock;
//		fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
//		include fastcgi_params;
//	}
//
// A connection carries one request at a time. What an application writes to its
// error stream goes to the error log.
//
//	directives.go   what can be configured
//	install.go      one location, compiled
//	codec.go        the protocol, for one request
//	split.go        $fastcgi_script_name, $fastcgi_path_info
//
// See ngx_http_fastcgi_module in nginx's manual.
package fastcgi
