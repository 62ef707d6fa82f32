# leadcrm: PGXS build. The version is read from leadcrm.control and stands nowhere else.
EXTENSION = leadcrm
MODULE_big = leadcrm
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" leadcrm.control)

# These goals bring all they need, PostgreSQL included: they must work where there is no pg_config yet.
STANDALONE = check demo demo-stop fuzz lint
.PHONY: $(STANDALONE)

ifneq ($(filter $(STANDALONE),$(MAKECMDGOALS)),)

# A pg_config that the user chose counts; else the scripts take the newest version that has its header files.
CHOSEN = $(if $(filter command environment,$(firstword $(origin PG_CONFIG))),PG_CONFIG='$(PG_CONFIG)')

check:
	@$(CHOSEN) DATA='$(DATA)' KEEP='$(KEEP)' tools/check

demo:
	@$(CHOSEN) DATA='$(DATA)' tools/demo start

demo-stop:
	@tools/demo stop

fuzz:
	@DURATION='$(DURATION)' tools/fuzz

lint:
	@$(CHOSEN) tools/lint

# other goals on the same command line
$(filter-out $(STANDALONE),$(MAKECMDGOALS)):
	@$(MAKE) $@

else

OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c src/*/*.c)))
# no fused multiply-add: a score has the same bits on every machine
PG_CPPFLAGS = -I$(srcdir)/src -ffp-contract=off

# don't call this INSTALL_SCRIPT: PGXS names the install program so
EXTENSION_SQL = leadcrm--$(EXTVERSION).sql
DATA_built = $(EXTENSION_SQL)
DATA = $(wildcard sql/upgrade/leadcrm--*.sql)
EXTRA_CLEAN = $(EXTENSION_SQL) $(EXTENSION_SQL).tmp

# pg_regress of PostgreSQL 15 looks for expected/ in the output directory, later ones in the input directory: test/expected
# is a link to it.
REGRESS = $(sort $(patsubst test/sql/%.sql,%,$(wildcard test/sql/*.sql)))
REGRESS_OPTS = --inputdir=test
ISOLATION = $(sort $(patsubst test/specs/%.spec,%,$(wildcard test/specs/*.spec)))
ISOLATION_OPTS = --inputdir=test --outputdir=.

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
ifeq ($(wildcard $(PGXS)),)
$(error "$(PG_CONFIG)" leads to no PostgreSQL header files. Install those of your server (postgresql-server-dev-15 or the like), or name its \
pg_config, as in: make PG_CONFIG=/usr/lib/postgresql/17/bin/pg_config)
endif
include $(PGXS)

$(OBJS) $(OBJS:.o=.bc): $(wildcard src/*.h src/*/*.h)

# The install script: the extension's topics in order, with the workspace's topics as the body of a function.
$(EXTENSION_SQL): $(sort $(wildcard sql/extension/*.sql)) $(sort $(wildcard sql/workspace/*.sql)) sql/assemble leadcrm.control
	sql/assemble $(EXTVERSION) > $@.tmp && mv $@.tmp $@

endif
