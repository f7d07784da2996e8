// Package sites holds configurations as people have them: a static site with
// cache headers, a single-page application, downloads with limits, many names
// on one server. Each is a whole nginx.conf in testdata, driven end to end by a
// list of visits, and every answer is compared with that of the real nginx.
package sites
