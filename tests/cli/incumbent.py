"""The commands of the incumbent (3.8.8), as its own tree tells them: words, `+` other words for it, and its options.

Groups are taken in the plural as well: see PLURALS.
"""

TREE = """
deploy: --name -n --description -d --version-type --version --tag -t --concurrency-limit --collision-strategy --pool
    -p --work-queue -q --job-variable --cron --interval --anchor-date --rrule --timezone --trigger --param --params
    --enforce-parameter-schema --all --prefect-file --sla
deploy init: --name --recipe --field -f
init: --name --recipe --field -f
flow ls: --limit --output -o
flow serve: --name -n --description -d --version -v --tag -t --cron --interval --anchor-date --rrule --timezone
    --pause-on-shutdown --limit --global-limit
flow-run inspect: --web --output -o
flow-run ls: --flow-name --limit --state --state-type --output -o
flow-run delete
flow-run cancel
flow-run retry: --entrypoint -e
flow-run logs: --head -h --num-logs -n --reverse -r --tail -t --output -o
flow-run watch: --timeout
flow-run execute
deployment schedule create: --interval --anchor-date --rrule --cron --day_or --timezone --active --replace
    --accept-yes -y
deployment schedule delete: --accept-yes -y
deployment schedule pause: --all
deployment schedule resume: --all
deployment schedule ls: --output -o
deployment schedule clear: --accept-yes -y
deployment inspect: --output -o
deployment ls: --by-created --output -o
deployment run: --id --job-variable --param -p --params --start-in --start-at --tag --watch --watch-interval
    --watch-timeout --flow-run-name
deployment delete: --id --all
server database reset: --yes -y
server database upgrade: --yes -y --revision -r --dry-run
server database downgrade: --yes -y --revision -r --dry-run
server database revision: --message -m --autogenerate
server database stamp
server services ls + list: --output -o
server services start + enable: --background -b
server services stop + disable
server services manager
server start: --host --port --keep-alive-timeout --log-level --scheduler --analytics-on --analytics-off --late-runs
    --ui --no-services --background -b --workers
server status: --wait --timeout -t --output -o
server stop
worker start: --name -n --pool -p --work-queue -q --type -t --prefetch-seconds --run-once --limit -l
    --with-healthcheck --install-policy --base-job-template --create-pool-if-not-found
shell watch: --log-output --flow-run-name --flow-name --stream-stdout --tag
shell serve: --flow-name --deployment-name --tag --log-output --stream-stdout --cron-schedule --timezone
    --concurrency-limit --run-once
config set
config validate
config unset: --yes -y
config view: --show-defaults --hide-defaults --show-sources --hide-sources --show-secrets --hide-secrets --output -o
profile ls: --output -o
profile create: --from
profile use
profile delete
profile rename
profile inspect: --output -o
profile populate-defaults
cloud workspace ls: --output -o
cloud workspace set: --workspace -w
cloud login: --key -k --workspace -w
cloud logout
cloud webhook ls: --output -o
cloud webhook get: --output -o
cloud webhook create: --description -d --template -t
cloud webhook rotate
cloud webhook toggle
cloud webhook update: --name -n --description -d --template -t
cloud webhook delete
cloud ip-allowlist enable
cloud ip-allowlist disable
cloud ip-allowlist ls
cloud ip-allowlist add: --description -d
cloud ip-allowlist remove
cloud ip-allowlist toggle
cloud asset ls: --prefix -p --search -s --limit -l --output -o
cloud asset delete: --force -f
work-pool storage configure s3: --bucket --aws-credentials-block-name --launcher --launcher-arg --upload-launcher
    --upload-launcher-arg --execution-launcher --execution-launcher-arg
work-pool storage configure gcs: --bucket --gcp-credentials-block-name --launcher --launcher-arg --upload-launcher
    --upload-launcher-arg --execution-launcher --execution-launcher-arg
work-pool storage configure azure-blob-storage: --container --azure-blob-storage-credentials-block-name --launcher
    --launcher-arg --upload-launcher --upload-launcher-arg --execution-launcher --execution-launcher-arg
work-pool storage inspect: --output -o
work-pool create: --base-job-template --paused --type -t --set-as-default --provision-infrastructure
    --provision-infra --overwrite
work-pool ls: --verbose -v --output -o
work-pool inspect: --output -o
work-pool slots: --output -o
work-pool pause
work-pool resume
work-pool update: --base-job-template --concurrency-limit --description
work-pool provision-infrastructure
work-pool provision-infra
work-pool delete
work-pool set-concurrency-limit
work-pool clear-concurrency-limit
work-pool get-default-base-job-template: --type -t --file -f
work-pool preview: --hours -h --output -o
work-queue create: --limit -l --pool -p --priority -q
work-queue set-concurrency-limit: --pool -p
work-queue clear-concurrency-limit: --pool -p
work-queue pause: --pool -p
work-queue resume: --pool -p
work-queue inspect: --pool -p --output -o
work-queue slots: --pool -p --output -o
work-queue ls: --verbose -v --match -m --pool -p --output -o
work-queue preview: --hours -h --pool -p --output -o
work-queue delete: --pool -p
work-queue read-runs: --pool -p
variable ls: --limit --output -o
variable inspect: --output -o
variable get
variable set: --overwrite --tag
variable unset
variable delete
block type ls: --output -o
block type inspect: --output -o
block type delete
block register: --module -m --file -f
block ls: --output -o
block delete: --id
block create
block inspect: --id --output -o
concurrency-limit create
concurrency-limit inspect: --output -o
concurrency-limit ls: --limit --offset --output -o
concurrency-limit reset
concurrency-limit delete
global-concurrency-limit ls: --output -o
global-concurrency-limit inspect: --output -o --file -f
global-concurrency-limit delete
global-concurrency-limit enable
global-concurrency-limit disable
global-concurrency-limit update: --enable --disable --limit -l --active-slots --slot-decay-per-second
global-concurrency-limit create: --limit -l --disable --active-slots --slot-decay-per-second
artifact ls: --limit --all -a --output -o
artifact inspect: --limit --output -o
artifact delete: --id
experimental result-storage inspect: --output -o
experimental result-storage set: --id
experimental result-storage clear
experimental plugins diagnose
plugins diagnose
automation ls
automation inspect: --id --yaml --json --output -o
automation resume + enable: --id
automation pause + disable: --id
automation delete: --id --all
automation create: --from-file -f --from-json -j
automation update: --id --from-file -f --from-json -j
events stream: --format --output-file --account --run-once
events emit: --resource -r --resource-id --related --payload -p
task serve: --module -m --limit
task-run inspect: --web --output -o
task-run ls: --task-run-name --limit --state --state-type --output -o
task-run logs: --head -h --num-logs -n --reverse -r --tail -t --output -o
api: --data -H --header -v --verbose --root --account
dashboard open
dev build-docs
dev build-ui
dev ui
dev api: --host --port --log-level
dev start
dev build-image: --arch --python-version --flavor --build-arg --dry-run
dev container: --bg --name --tag
sdk generate: --output -o --flow -f --deployment -d
transfer: --from --to
version: --omit-integrations
"""

PLURALS = (
    "flows",
    "flow-runs",
    "deployments",
    "profiles",
    "work-pools",
    "work-queues",
    "blocks",
    "block types",
    "concurrency-limits",
    "gcl",
    "automations",
    "events",
    "task-runs",
)
