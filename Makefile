# leadcrm: PGXS build. The version is read from leadcrm.control and stands nowhere else.
EXTENSION = leadcrm
MODULE_big = leadcrm
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" leadcrm.control)

OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c src/*/*.c)))
PG_CPPFLAGS = -I$(srcdir)/src

INSTALL_SCRIPT = leadcrm--$(EXTVERSION).sql
DATA_built = $(INSTALL_SCRIPT)
DATA = $(wildcard sql/upgrade/leadcrm--*.sql)
EXTRA_CLEAN = $(INSTALL_SCRIPT)

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# The install script: the extension's topics in order, with the workspace's topics as the body of a function.
$(INSTALL_SCRIPT): $(sort $(wildcard sql/extension/*.sql)) $(sort $(wildcard sql/workspace/*.sql)) sql/assemble leadcrm.control
	sql/assemble $(EXTVERSION) > $@.tmp && mv $@.tmp $@
