// Package proxy is proxy_pass: it passes requests on to HTTP servers. What it has
// in common with other *_pass is in package gateway; here are the request's head,
// the framing of bodies in HTTP/1, and what is rewritten in answers.
//
// It does what ngx_http_proxy_module does; see nginx's reference of that module.
package proxy
