# leadcrm: PGXS build. The version is read from leadcrm.control and stands nowhere else.
EXTENSION = leadcrm
MODULE_big = leadcrm
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" leadcrm.control)

OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c src/*/*.c)))
PG_CPPFLAGS = -I$(srcdir)/src

EXTENSION_SQL = leadcrm--$(EXTVERSION).sql
DATA_built = $(EXTENSION_SQL)
DATA = $(wildcard sql/upgrade/leadcrm--*.sql)
EXTRA_CLEAN = $(EXTENSION_SQL)

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# The install script: the extension's topics in order, with the workspace's topics as the body of a function.
$(EXTENSION_SQL): $(sort $(wildcard sql/extension/*.sql)) $(sort $(wildcard sql/workspace/*.sql)) sql/assemble leadcrm.control
	sql/assemble $(EXTVERSION) > $@.tmp && mv $@.tmp $@
