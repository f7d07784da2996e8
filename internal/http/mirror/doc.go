// Package mirror sends copies of requests elsewhere and drops the answers.
//
//	location / { mirror /mirror; proxy_pass http://backend; }
//	location = /mirror { internal; proxy_pass http://test$request_uri; }
//
// A copy runs beside the request, with its method, arguments and, unless
// mirror_request_body is off, its body, which is then read before the request goes
// on. The request is over when its copies are: the answer has left by then, but the
// next request of the connection and the access log wait.
//
// See ngx_http_mirror_module in nginx's manual.
package mirror
