"""Schemas of Kubernetes' own types, for the pod-shaped parts of the CRDs.

They come from the one table of those types, kube/built_in_types.txt, and their descriptions from the one
list of descriptions beside it. A CRD has no references, so every place repeats the type; what is left out
keeps both CRDs within plain `kubectl apply`:

- no defaults, enumerations or merge keys: the API server that creates the pod has them, a stored object must
  not change by reading it, and a newer cluster may know more values;
- COARSE: rare parts are only known to be objects or lists. What is inside is looked at by
  config/pod_shape.h, from the same table.
"""
import pathlib

KUBE = pathlib.Path(__file__).resolve().parent.parent.parent / "kube"
ANY = {"x-kubernetes-preserve-unknown-fields": True}
SCALARS = {
    "string": {"type": "string"}, "bytes": {"type": "string"}, "time": {"type": "string"},
    "int32": {"type": "integer"}, "int64": {"type": "integer"}, "bool": {"type": "boolean"},
    # `0.5` without quotes is an amount for a pod, and no schema can say "text or any number".
    "quantity": ANY,
    "intorstring": {"x-kubernetes-int-or-string": True},
    "json": {"type": "object", **ANY},
}
# Plugins that Kubernetes has taken out again, or passes on to a driver.
COARSE = {("VolumeSource", name) for name in (
    "awsElasticBlockStore", "azureDisk", "cephfs", "cinder", "fc", "flexVolume", "flocker", "gcePersistentDisk",
    "gitRepo", "glusterfs", "iscsi", "photonPersistentDisk", "portworxVolume", "quobyte", "rbd", "scaleIO", "storageos",
    "vsphereVolume")}
# An init container has these only where it is started again and again, as a sidecar.
COARSE_OF_INIT = {("Container", name) for name in ("livenessProbe", "readinessProbe", "startupProbe", "lifecycle")}
# Written by the API server; nobody's template has them.
NOT_WRITTEN = {("ObjectMeta", name) for name in (
    "selfLink", "uid", "resourceVersion", "generation", "deletionTimestamp", "deletionGracePeriodSeconds", "managedFields",
    "ownerReferences")}


# What people meet first; `kubectl explain pod.spec…` says the rest.
DESCRIBED = ("EnvVar", "EnvVarSource", "EnvFromSource", "VolumeMount", "Volume", "VolumeSource", "ConfigMapVolumeSource",
             "SecretVolumeSource", "EmptyDirVolumeSource", "HostPathVolumeSource", "PersistentVolumeClaimVolumeSource")


def read_types():
    types = {}
    for line in (KUBE / "built_in_types.txt").read_text().splitlines():
        if line.startswith("type "):
            fields = types.setdefault(line.split()[1], [])
        elif line:
            fields.append(line.split())
    return types


def read_descriptions():
    lines = (KUBE / "built_in_descriptions.txt").read_text().splitlines()
    return dict(line.split(": ", 1) for line in lines if ": " in line)


TYPES = read_types()
DESCRIPTIONS = read_descriptions()


def _wrap(shape, one):
    if shape == "[]":
        return {"type": "array", "items": one}
    if shape == "{}":
        return {"type": "object", "additionalProperties": one}
    return dict(one)


def kubernetes(name, depth=99, coarse=frozenset(), described=True, required=True):
    """The schema of a type. Below `depth` levels, and in `coarse` fields, anything goes."""
    properties, needed = {}, []
    for field, _, kind, *flags in TYPES[name]:
        shape, base = (kind[:2], kind[2:]) if kind[:2] in ("[]", "{}") else ("", kind)
        if field == "~":
            part = kubernetes(base, depth, coarse, described, required)
            properties.update(part["properties"])
            continue
        if (name, field) in NOT_WRITTEN:
            continue
        if base not in TYPES:
            one = SCALARS[base]
        elif depth <= 1 or (name, field) in COARSE | coarse:
            one = SCALARS["json"]
        else:
            one = kubernetes(base, depth - 1, coarse, described, required)
        properties[field] = _wrap(shape, one)
        if described and name in DESCRIBED and f"{name}.{field}" in DESCRIPTIONS:
            properties[field]["description"] = DESCRIPTIONS[f"{name}.{field}"]
        if required and "required" in flags:
            needed.append(field)
    schema = {"type": "object", "properties": properties}
    if needed:
        schema["required"] = needed
    return schema
