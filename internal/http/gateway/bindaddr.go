package gateway

import (
	"strings"

	"github.com/baton-project/baton/internal/log"
)

const logError = log.Error

func hasVariable(text string) bool { return strings.IndexByte(text, '$') >= 0 }
