package modules

import "github.com/baton-project/baton/internal/conf"

// nginxModules maps the names that nginx's ./configure knows to a directive
// that shows whether the module's work is done here. Those marked optional are
// off in nginx unless asked for with --with-, the others are on.
var nginxModules = []struct {
	name      string
	directive string
	in        conf.Context
	optional  bool
}{
	{"http_ssl_module", "ssl_certificate", conf.Server, true},
	{"http_v2_module", "http2", conf.Server, true},
	{"http_v3_module", "http3", conf.Server, true},
	{"http_realip_module", "set_real_ip_from", conf.Server, true},
	{"http_addition_module", "add_after_body", conf.Location, true},
	{"http_sub_module", "sub_filter", conf.Location, true},
	{"http_dav_module", "dav_methods", conf.Location, true},
	{"http_gunzip_module", "gunzip", conf.Location, true},
	{"http_gzip_static_module", "gzip_static", conf.Location, true},
	{"http_auth_request_module", "auth_request", conf.Location, true},
	{"http_random_index_module", "random_index", conf.Location, true},
	{"http_secure_link_module", "secure_link", conf.Location, true},
	{"http_slice_module", "slice", conf.Location, true},
	{"http_stub_status_module", "stub_status", conf.Location, true},
	{"stream", "stream", conf.Global, true},
	{"stream_ssl_module", "ssl_certificate", conf.StreamServer, true},
	{"stream_realip_module", "set_real_ip_from", conf.StreamServer, true},
	{"stream_ssl_preread_module", "ssl_preread", conf.StreamServer, true},

	{"http-cache", "proxy_cache", conf.Location, false},
	{"http_charset_module", "charset", conf.Location, false},
	{"http_gzip_module", "gzip", conf.Location, false},
	{"http_ssi_module", "ssi", conf.Location, false},
	{"http_userid_module", "userid", conf.Location, false},
	{"http_access_module", "allow", conf.Location, false},
	{"http_auth_basic_module", "auth_basic", conf.Location, false},
	{"http_mirror_module", "mirror", conf.Location, false},
	{"http_autoindex_module", "autoindex", conf.Location, false},
	{"http_status_module", "status_zone", conf.Server, false},
	{"http_geo_module", "geo", conf.Main, false},
	{"http_map_module", "map", conf.Main, false},
	{"http_split_clients_module", "split_clients", conf.Main, false},
	{"http_referer_module", "valid_referers", conf.Location, false},
	{"http_rewrite_module", "rewrite", conf.Location, false},
	{"http_proxy_module", "proxy_pass", conf.Location, false},
	{"http_fastcgi_module", "fastcgi_pass", conf.Location, false},
	{"http_uwsgi_module", "uwsgi_pass", conf.Location, false},
	{"http_scgi_module", "scgi_pass", conf.Location, false},
	{"http_grpc_module", "grpc_pass", conf.Location, false},
	{"http_tunnel_module", "tunnel_pass", conf.Location, false},
	{"http_memcached_module", "memcached_pass", conf.Location, false},
	{"http_limit_conn_module", "limit_conn", conf.Location, false},
	{"http_limit_req_module", "limit_req", conf.Location, false},
	{"http_empty_gif_module", "empty_gif", conf.Location, false},
	{"http_browser_module", "ancient_browser", conf.Location, false},
	{"http_upstream_hash_module", "hash", conf.Upstream, false},
	{"http_upstream_ip_hash_module", "ip_hash", conf.Upstream, false},
	{"http_upstream_least_conn_module", "least_conn", conf.Upstream, false},
	{"http_upstream_least_time_module", "least_time", conf.Upstream, false},
	{"http_upstream_random_module", "random", conf.Upstream, false},
	{"http_upstream_keepalive_module", "keepalive", conf.Upstream, false},
	{"http_upstream_zone_module", "zone", conf.Upstream, false},
	{"http_upstream_sticky_module", "sticky", conf.Upstream, false},
	{"stream_limit_conn_module", "limit_conn", conf.StreamServer, false},
	{"stream_access_module", "allow", conf.StreamServer, false},
	{"stream_geo_module", "geo", conf.StreamMain, false},
	{"stream_map_module", "map", conf.StreamMain, false},
	{"stream_split_clients_module", "split_clients", conf.StreamMain, false},
	{"stream_return_module", "return", conf.StreamServer, false},
	{"stream_pass_module", "pass", conf.StreamServer, false},
	{"stream_set_module", "set", conf.StreamServer, false},
	{"stream_upstream_hash_module", "hash", conf.StreamUpstream, false},
	{"stream_upstream_least_conn_module", "least_conn", conf.StreamUpstream, false},
	{"stream_upstream_least_time_module", "least_time", conf.StreamUpstream, false},
	{"stream_upstream_random_module", "random", conf.StreamUpstream, false},
	{"stream_upstream_zone_module", "zone", conf.StreamUpstream, false},
}

// Configure lists what is built in and what is missing under the names of
// nginx's ./configure, as -V prints it. It is derived from the directive
// tables, so it cannot promise what they do not have. The debug level of the
// error log is always there.
func Configure() []string {
	known := make(map[string]conf.Context)
	for _, d := range Registry().All() {
		if d.Accepted == "" {
			known[d.Name] |= d.In
		}
	}
	list := []string{"--with-debug"}
	for _, m := range nginxModules {
		has := known[m.directive]&m.in != 0
		switch {
		case m.optional && has:
			list = append(list, "--with-"+m.name)
		case !m.optional && !has:
			list = append(list, "--without-"+m.name)
		}
	}
	return list
}
