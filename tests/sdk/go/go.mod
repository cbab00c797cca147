module example.org/journey

go 1.26.0

require (
	golang.org/x/oauth2 v0.38.0
	gopkg.in/validator.v2 v2.0.1
)
