// Package userid gives each client a cookie to know it by again, in the form of
// mod_uid.
//
//	userid on; userid_name uid; userid_domain example.com; userid_expires 365d;
//
// $uid_got is the identifier that the client sent and $uid_set the one that it
// is sent, both as "uid=" and 32 digits. A $uid_reset other than "" and "0",
// made by set or map, gives the client a new identifier; "log" also tells the
// error log.
//
// See ngx_http_userid_module in nginx's manual.
package userid
