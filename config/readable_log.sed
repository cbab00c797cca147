# Turns a line of the log (LOGGING in config/settings.py) into one for people: time, level, logger, message name=value …
/^\{"time": "/ {
  s/^\{"time": "[^ ]* ([^,"]*)[^"]*", "level": "([^"]*)", "logger": "([^"]*)", "message": "/\1 \2 \3 /
  s/"?, "([a-z_]+)": "?/ \1=/g
  s/"?\}$//
  s/\\n/\n/g
  s/\\"/"/g
}
