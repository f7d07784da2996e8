// Package authrequest lets another location say who may come in.
//
//	location /private/ {
//	    auth_request /auth;
//	    auth_request_set $user $upstream_http_x_user;
//	}
//	location = /auth { internal; proxy_pass http://127.0.0.1:9000; }
//
// The request goes on when the answer to the subrequest has a status 2xx. 401 and
// 403 become the answer to the client, 401 with the subrequest's WWW-Authenticate;
// any other status is an error. The subrequest is a GET without a body.
//
// See ngx_http_auth_request_module in nginx's manual.
package authrequest
