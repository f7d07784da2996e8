// Package authbasic asks for user name and password (RFC 7617).
//
//	auth_basic "members only";
//	auth_basic_user_file conf/htpasswd;
//
// The file has lines "user:hash", perhaps with ":comment" behind; see package
// crypt for the hashes. It is opened for each request, by the worker's user, as
// nginx does: it is data that administrators change without a reload, and finding
// a line in it costs little beside a hash. At most one hash is computed at a time
// in a worker, and that one gives way to other connections every 100
// microseconds or so: bcrypt at its usual cost takes 50 milliseconds.
//
// See ngx_http_auth_basic_module in nginx's manual.
package authbasic
