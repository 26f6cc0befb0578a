# Landfall's images. The programs are static and built outside:
#
#   docker build --target operator -t landfall-operator CONTEXT
#   docker build --target agent -t landfall-agent CONTEXT
#
# CONTEXT/operator holds landfall-operator, CONTEXT/agent holds landfall-agent and the CNI plugin
# `landfall`, which the agent installs on its node. `cargo dev install` does all of this.
FROM scratch AS operator
COPY operator/ /
ENTRYPOINT ["/landfall-operator"]

FROM scratch AS agent
COPY agent/ /
ENTRYPOINT ["/landfall-agent"]
