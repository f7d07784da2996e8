// Package tryfiles looks for the first of several files that is there, and
// serves the request as if it had been asked for; when none is, the last
// argument says what happens instead.
//
//	try_files $uri $uri/ /index.php?$args;
//	try_files $uri @app;
//	try_files $uri =404;
//
// A name that ends in "/" looks for a directory. The directive is not inherited:
// it works in the very block where it stands.
//
// See try_files in nginx's core module reference.
package tryfiles
