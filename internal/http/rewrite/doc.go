// Package rewrite is nginx's rewrite module: return, and the directives that
// work in the same order with it.
//
//	return 301 https://$host$request_uri;
//	set $mobile 0;
//	if ($http_user_agent ~ Mobile) { set $mobile 1; }
//
// The directives of a server{} run one after the other before the location is
// chosen, those of a location{} afterwards. They are not inherited: a block
// without any runs none.
//
//	directives.go   the directives, read into statements
//	condition.go    what stands between the parentheses of if
//	program.go      statements compiled into steps, and how they run
//
// See ngx_http_rewrite_module in nginx's manual.
package rewrite
