package gateway

import (
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/cache"
	"github.com/baton-project/baton/internal/wire/h1"
)

// declareCacheVariables declares "$upstream_cache_*".
func declareCacheVariables(m *http.MainBuilder) error {
	for _, v := range []struct {
		name string
		get  func(r *http.Request, k *kept) (string, bool)
	}{
		{"upstream_cache_status", func(_ *http.Request, k *kept) (string, bool) {
			return cacheStatuses[k.status], k.status != cacheUnused
		}},
		{"upstream_cache_last_modified", func(r *http.Request, _ *kept) (string, bool) { return notEmpty(AppendCacheModified(r.Scratch(32), r)) }},
		{"upstream_cache_etag", func(r *http.Request, _ *kept) (string, bool) {
			return notEmpty(AppendCacheTag(r.Scratch(cache.MaxETag), r))
		}},
	} {
		get := func(r *http.Request) (string, bool) {
			x := passed(r)
			if x == nil || x.kept == nil {
				return "", false
			}
			return v.get(r, x.kept)
		}
		if err := m.Variable(v.name, get, 0); err != nil {
			return err
		}
	}
	return nil
}

func notEmpty(b []byte) (string, bool) { return http.View(b), len(b) > 0 }

// outdated is what a request is about to revalidate; nil when it is not.
func outdated(r *http.Request) *kept {
	x := passed(r)
	if x == nil || x.kept == nil || x.kept.status != cacheExpired || !x.Pass.Settings.Revalidate.V {
		return nil
	}
	return x.kept
}

// AppendCacheModified appends when the answer in the cache was modified, to a request
// which is to find out whether it is good still.
func AppendCacheModified(dst []byte, r *http.Request) []byte {
	k := outdated(r)
	if k == nil || k.header.LastModified == -1 {
		return dst
	}
	return h1.AppendDate(dst, k.header.LastModified)
}

// AppendCacheTag appends the ETag of that answer.
func AppendCacheTag(dst []byte, r *http.Request) []byte {
	k := outdated(r)
	if k == nil {
		return dst
	}
	return append(dst, k.header.ETag...)
}
