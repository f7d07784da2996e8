// Package addition puts the answers of other locations before and behind answers.
//
//	location / { add_before_body /header; add_after_body /footer; }
//
// Only answers with status 200 and a type of addition_types grow. See
// ngx_http_addition_module in nginx's manual.
package addition
