// Package browser tells modern browsers from ancient ones by what they call
// themselves.
//
//	modern_browser msie 5.5; modern_browser gecko 1.0; modern_browser unlisted;
//	ancient_browser Links Lynx netscape4;
//
// One of $modern_browser and $ancient_browser has the value of
// modern_browser_value or ancient_browser_value, the other is empty. $msie is
// "1" for an Internet Explorer.
//
// See ngx_http_browser_module in nginx's manual.
package browser
