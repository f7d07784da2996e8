package e2e

import (
	"testing"
)

// Who may come in, what stands around the answer, and what is in it, other
// locations and upstreams say.
func TestSubrequests(t *testing.T) {
	b := Start(t, `http {
		server {
			listen {{web}};
			location /private {
				auth_request /auth;
				auth_request_set $user $upstream_http_x_user;
				proxy_pass http://{{back}}/page?$user;
			}
			location = /auth { internal; proxy_pass http://{{back}}/auth; proxy_pass_request_body off; proxy_set_header Content-Length ""; }
			location /page {
				default_type text/html;
				ssi on; add_after_body /after; mirror /copy;
				proxy_pass http://{{back}}/ssi;
			}
			location = /after { proxy_pass http://{{back}}/page?after; }
			location = /copy { internal; proxy_pass http://{{back}}/copy; }
			location = /part { proxy_pass http://{{back}}/page?part; }
		}
		server {
			listen {{back}};
			default_type text/html;
			location = /auth { add_header X-User alice; if ($arg_key != open) { return 204; } return 403; }
			location = /page { return 200 "[$args]"; }
			location = /ssi { return 200 '<!--#include virtual="/part" --><!--#echo var="arg_x" -->'; }
			location = /copy { return 500; }
		}
	}`)
	c := b.Dial("web")
	c.Get("/private").Want(200, "[alice]")
	c.Get("/page?x=1").Want(200, "[part]1[after]")
	c.Get("/page").Want(200, "[part](none)[after]")
}
