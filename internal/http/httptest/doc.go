// Package httptest helps the tests of the http features: it serves a site
// from an http block within the test's process, or from the real nginx, and
// compares the two byte by byte.
package httptest
