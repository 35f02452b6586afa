"""A program as people write them with the `kubernetes` package of Python.

It goes through the parts of the library one after the other, prints what it saw, and leaves nothing behind; names, versions and
times that differ from run to run are not printed, so that two servers that behave alike give the same lines.

Arguments: the kubeconfig, the namespace to make and work in, and the image of a program that greets where a node runs.
"""

import json
import sys

from kubernetes import client, config, dynamic, utils, watch
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic.exceptions import ConflictError, NotFoundError, ResourceNotFoundError

MANIFESTS = """
apiVersion: v1
kind: ConfigMap
metadata: {name: from-yaml}
data: {a: "1"}
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Service
  metadata: {name: from-yaml}
  spec: {selector: {app: web}, ports: [{port: 80}]}
- apiVersion: batch/v1
  kind: CronJob
  metadata: {name: from-yaml}
  spec:
    schedule: "0 0 1 1 *"
    jobTemplate:
      spec:
        template:
          spec: {restartPolicy: Never, containers: [{name: main, image: "registry.example/main:1"}]}
"""


def say(*words):
    print(*words, flush=True)


def refused(what, call):
    """Says how the server refuses."""
    try:
        call()
        say(what, "was not refused")
    except ApiException as error:
        body = json.loads(error.body)
        causes = [(cause["reason"], cause["field"]) for cause in body.get("details", {}).get("causes", [])]
        say(what, error.status, error.reason, body["kind"], body["reason"], body["message"], causes)


def deployment(name, replicas=0):
    labels = {"app": name}
    container = client.V1Container(name="main", image="registry.example/main:1", ports=[client.V1ContainerPort(container_port=80)])
    template = client.V1PodTemplateSpec(metadata=client.V1ObjectMeta(labels=labels), spec=client.V1PodSpec(containers=[container]))
    spec = client.V1DeploymentSpec(replicas=replicas, selector=client.V1LabelSelector(match_labels=labels), template=template)
    return client.V1Deployment(api_version="apps/v1", kind="Deployment", metadata=client.V1ObjectMeta(name=name), spec=spec)


def typed_verbs(api, namespace):
    apps, core = client.AppsV1Api(api), client.CoreV1Api(api)
    made = apps.create_namespaced_deployment(namespace, deployment("web"))
    say("created", made.metadata.generation, made.spec.revision_history_limit, made.spec.strategy.rolling_update.max_surge)
    say("created at", type(made.metadata.creation_timestamp).__name__, made.metadata.creation_timestamp.tzinfo is not None)
    refused("created twice:", lambda: apps.create_namespaced_deployment(namespace, deployment("web")))
    refused("not there:", lambda: apps.read_namespaced_deployment("nobody", namespace))
    made.spec.template.spec.containers[0].image = "registry.example/main:2"
    made.metadata.resource_version = None
    replaced = apps.replace_namespaced_deployment("web", namespace, made)
    say("replaced", replaced.metadata.generation, replaced.spec.template.spec.containers[0].image)
    replaced.metadata.resource_version = "1"
    refused("stale:", lambda: apps.replace_namespaced_deployment("web", namespace, replaced))
    wrong = deployment("wrong", replicas=-1)
    wrong.spec.template.metadata.labels = {"app": "other"}
    refused("invalid:", lambda: apps.create_namespaced_deployment(namespace, wrong))
    scale = apps.read_namespaced_deployment_scale("web", namespace)
    say("scale", scale.kind, scale.spec.replicas, scale.status.selector)
    dry = core.create_namespaced_config_map(namespace, {"metadata": {"name": "dry"}}, dry_run="All")
    say("dry run", bool(dry.metadata.uid), len(core.list_namespaced_config_map(namespace, field_selector="metadata.name=dry").items))
    _, code, headers = apps.read_namespaced_deployment_with_http_info("web", namespace)
    say("with http info", code, headers["Content-Type"])
    gone = apps.delete_namespaced_deployment("web", namespace, body=client.V1DeleteOptions(propagation_policy="Background"))
    say("deleted", gone["status"], gone["details"]["name"], gone["details"]["kind"])


def patch_types(api, namespace):
    core = client.CoreV1Api(api)
    core.create_namespaced_config_map(namespace, {"metadata": {"name": "patched"}, "data": {"a": "1", "b": "2"}})
    patch = core.patch_namespaced_config_map
    say("a list is a JSON patch", patch("patched", namespace, [{"op": "remove", "path": "/data/a"}]).data)
    say("an object is a strategic merge", patch("patched", namespace, {"data": {"c": "3"}}).data)
    merged = patch("patched", namespace, {"data": {"b": None}}, _content_type="application/merge-patch+json")
    say("merge patch", merged.data)
    wanted = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "patched"}, "data": {"c": "4"}}
    apply = {"field_manager": "python", "_content_type": "application/apply-patch+yaml"}
    refused("apply:", lambda: patch("patched", namespace, wanted, **apply))
    say("forced", patch("patched", namespace, wanted, force=True, **apply).data)
    refused("patch that fails:", lambda: patch("patched", namespace, [{"op": "test", "path": "/data/c", "value": "x"}]))


def pages(api, namespace):
    core = client.CoreV1Api(api)
    for index in range(5):
        core.create_namespaced_secret(namespace, client.V1Secret(metadata=client.V1ObjectMeta(name=f"page-{index}", labels={"part": "pages"}), string_data={"n": str(index)}))
    names, token = [], None
    while token != "":
        page = core.list_namespaced_secret(namespace, label_selector="part=pages", limit=2, _continue=token)
        names.append([item.metadata.name for item in page.items])
        token = page.metadata._continue or ""
    say("pages", names)
    say("data", core.read_namespaced_secret("page-3", namespace).data)
    core.delete_collection_namespaced_secret(namespace, label_selector="part=pages")
    say("left", len(core.list_namespaced_secret(namespace, label_selector="part=pages").items))


def watches(api, namespace):
    core = client.CoreV1Api(api)
    version = core.list_namespaced_config_map(namespace).metadata.resource_version
    core.create_namespaced_config_map(namespace, {"metadata": {"name": "watched"}})
    core.patch_namespaced_config_map("watched", namespace, {"data": {"a": "1"}})
    core.delete_namespaced_config_map("watched", namespace)
    watcher = watch.Watch()
    arguments = {"field_selector": "metadata.name=watched", "timeout_seconds": 60}
    for event in watcher.stream(core.list_namespaced_config_map, namespace, resource_version=version, **arguments):
        say(event["type"], type(event["object"]).__name__, event["object"].metadata.name, event["object"].data)
        if event["type"] == "DELETED":
            watcher.stop()
    seen = [event["type"] for event in watch.Watch().stream(core.list_namespaced_config_map, namespace, field_selector="metadata.name=nobody", timeout_seconds=1)]
    say("until the timeout", seen)
    try:
        for _ in watch.Watch().stream(core.list_namespaced_config_map, namespace, resource_version="broken", timeout_seconds=1):
            pass
    except ApiException as error:
        say("from a broken version", error.status)


def dynamic_client(api, namespace):
    cluster = dynamic.DynamicClient(api)
    say("version", cluster.version["kubernetes"]["major"], cluster.version["kubernetes"]["minor"])
    maps = cluster.resources.get(api_version="v1", kind="ConfigMap")
    say("found", maps.name, maps.namespaced, maps.group_version, cluster.resources.get(kind="Deployment", group="apps").preferred)
    say("by short name", cluster.resources.get(api_version="apps/v1", short_names=["deploy"]).kind if cluster.resources.search(short_names=["deploy"]) else None)
    made = maps.create(body={"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "dynamic"}, "data": {"a": "1"}}, namespace=namespace)
    say("created", made.kind, made.data.to_dict())
    say("patched", maps.patch(name="dynamic", namespace=namespace, body={"data": {"b": "2"}}, content_type="application/merge-patch+json").data.to_dict())
    applied = cluster.server_side_apply(maps, body={"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "dynamic"}, "data": {"c": "3"}}, namespace=namespace, name="dynamic", field_manager="python")
    say("applied", applied.data.to_dict())
    try:
        maps.create(body={"metadata": {"name": "dynamic"}}, namespace=namespace)
    except ConflictError as error:
        say("created twice", error.status, error.summary())
    say("listed", [item.metadata.name for item in maps.get(namespace=namespace, label_selector="!part", field_selector="metadata.name=dynamic").items])
    for event in maps.watch(namespace=namespace, name="dynamic", timeout=60):
        say("watched", event["type"], event["object"].metadata.name, event["raw_object"]["kind"])
        break
    maps.delete(name="dynamic", namespace=namespace)
    try:
        maps.get(name="dynamic", namespace=namespace)
    except NotFoundError as error:
        say("gone", error.status)
    try:
        cluster.resources.get(api_version="example.com/v1", kind="Pot")
    except ResourceNotFoundError:
        say("no such kind")
    scale = cluster.resources.get(api_version="apps/v1", kind="Deployment").subresources
    say("subresources", sorted(scale))


def from_yaml(api, namespace):
    import yaml

    objects = list(yaml.safe_load_all(MANIFESTS))
    made = utils.create_from_yaml(api, yaml_objects=objects, namespace=namespace)
    say("made", [item.kind for items in made for item in items])
    try:
        utils.create_from_yaml(api, yaml_objects=objects, namespace=namespace)
    except utils.FailToCreateError as error:
        say("made twice", [json.loads(one.body)["message"] for one in error.api_exceptions])
    applied = utils.create_from_yaml(api, yaml_objects=objects, namespace=namespace, apply=True)
    say("applied", [item.kind for items in applied for item in items])
    job = client.BatchV1Api(api).read_namespaced_cron_job("from-yaml", namespace)
    say("cron job", job.spec.schedule, job.spec.concurrency_policy, job.spec.suspend, utils.parse_quantity("1500m"))
    say("service", bool(client.CoreV1Api(api).read_namespaced_service("from-yaml", namespace).spec.cluster_ip))


def following(api, namespace, image):
    """Runs a Pod to its end and reads what it said, while it runs and afterwards."""
    core = client.CoreV1Api(api)
    container = client.V1Container(name="main", image=image, args=["one", "two"])
    core.create_namespaced_pod(namespace, client.V1Pod(metadata=client.V1ObjectMeta(name="talks"), spec=client.V1PodSpec(restart_policy="Never", containers=[container])))
    watcher = watch.Watch()
    for event in watcher.stream(core.list_namespaced_pod, namespace, field_selector="metadata.name=talks", timeout_seconds=120):
        if event["object"].status.phase in ("Succeeded", "Failed"):
            say("ended", event["object"].status.phase, event["object"].status.container_statuses[0].state.terminated.reason)
            watcher.stop()
    whole = core.read_namespaced_pod_log("talks", namespace)
    followed = list(watch.Watch().stream(core.read_namespaced_pod_log, "talks", namespace))
    say("followed", followed == whole.splitlines(), "argument two" in followed)
    last = core.read_namespaced_pod_log("talks", namespace, tail_lines=1, timestamps=True)
    say("the last line", len(last.splitlines()), last[:2])
    refused("no such container:", lambda: core.read_namespaced_pod_log("talks", namespace, container="nobody"))


def main(kubeconfig, namespace, image=None):
    config.load_kube_config(kubeconfig)
    api = client.ApiClient()
    core = client.CoreV1Api(api)
    core.create_namespace({"metadata": {"name": namespace}})
    for part in (typed_verbs, patch_types, pages, watches, dynamic_client, from_yaml):
        say("#", part.__name__)
        part(api, namespace)
    if image:
        say("#", following.__name__)
        following(api, namespace, image)
    core.delete_namespace(namespace)


main(*sys.argv[1:])
