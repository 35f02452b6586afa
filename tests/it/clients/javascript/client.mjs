// A program as people write them with `@kubernetes/client-node`.
//
// It goes through the parts of the library one after the other, prints what it saw, and leaves nothing behind; names, versions
// and times that differ from run to run are not printed, so that two servers that behave alike give the same lines.
//
// Arguments: the kubeconfig, the namespace to make and work in, and the image of a program that greets where a node runs.

import { Writable } from 'node:stream';

import * as k8s from '@kubernetes/client-node';

const [kubeconfig, namespace, image] = process.argv.slice(2);
const config = new k8s.KubeConfig();
config.loadFromFile(kubeconfig);
const core = config.makeApiClient(k8s.CoreV1Api);
const apps = config.makeApiClient(k8s.AppsV1Api);

const say = (...words) => console.log(words.map((word) => (typeof word === 'string' ? word : JSON.stringify(word))).join(' '));

/** Says how the server refuses. */
async function refused(what, call) {
  try {
    await call();
    say(what, 'was not refused');
  } catch (error) {
    if (!(error instanceof k8s.ApiException)) throw error;
    const body = typeof error.body === 'string' ? JSON.parse(error.body) : error.body;
    const causes = (body.details?.causes ?? []).map((cause) => [cause.reason, cause.field]);
    say(what, error.code, body.kind, body.reason, body.message, causes);
  }
}

const deployment = (name, replicas = 0) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, labels: { app: name } },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'main', image: 'registry.example/main:1' }] } },
  },
});

async function typedVerbs() {
  const made = await apps.createNamespacedDeployment({ namespace, body: deployment('web') });
  say('created', made.metadata.generation, made.spec.revisionHistoryLimit, made.spec.strategy.rollingUpdate);
  say('created at', made.metadata.creationTimestamp instanceof Date, made.status);
  await refused('created twice', () => apps.createNamespacedDeployment({ namespace, body: deployment('web') }));
  await refused('not there', () => apps.readNamespacedDeployment({ namespace, name: 'nobody' }));
  delete made.metadata.resourceVersion;
  made.spec.template.spec.containers[0].image = 'registry.example/main:2';
  const replaced = await apps.replaceNamespacedDeployment({ namespace, name: 'web', body: made });
  say('replaced', replaced.metadata.generation, replaced.spec.template.spec.containers[0].image);
  replaced.metadata.resourceVersion = '1';
  await refused('stale', () => apps.replaceNamespacedDeployment({ namespace, name: 'web', body: replaced }));
  const wrong = deployment('wrong', -1);
  wrong.spec.template.metadata.labels = { app: 'other' };
  await refused('invalid', () => apps.createNamespacedDeployment({ namespace, body: wrong }));
  const scale = await apps.readNamespacedDeploymentScale({ namespace, name: 'web' });
  say('scale', scale.kind, scale.spec, scale.status.selector);
  scale.spec.replicas = 1;
  say('scaled', (await apps.replaceNamespacedDeploymentScale({ namespace, name: 'web', body: scale })).spec.replicas);
  const dry = await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'dry' } }, dryRun: 'All' });
  say('dry run', Boolean(dry.metadata.uid), (await core.listNamespacedConfigMap({ namespace, fieldSelector: 'metadata.name=dry' })).items.length);
  const gone = await apps.deleteNamespacedDeployment({ namespace, name: 'web', body: { propagationPolicy: 'Background' } });
  say('deleted', gone.status, gone.details.name, gone.details.kind);
  const items = [];
  for (const name of ['page-0', 'page-1', 'page-2']) {
    await core.createNamespacedSecret({ namespace, body: { metadata: { name, labels: { part: 'pages' } }, stringData: { name } } });
  }
  let token;
  do {
    const page = await core.listNamespacedSecret({ namespace, labelSelector: 'part=pages', limit: 2, _continue: token });
    items.push(page.items.map((item) => [item.metadata.name, item.data.name]));
    token = page.metadata._continue;
  } while (token);
  say('pages', items);
  await core.deleteCollectionNamespacedSecret({ namespace, labelSelector: 'part=pages' });
}

async function patchTypes() {
  await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'patched' }, data: { a: '1', b: '2' } } });
  const patch = async (strategy, body, more = {}) =>
    (await core.patchNamespacedConfigMap({ namespace, name: 'patched', body, ...more }, k8s.setHeaderOptions('Content-Type', strategy))).data;
  const { JsonPatch, MergePatch, StrategicMergePatch, ServerSideApply } = k8s.PatchStrategy;
  say('JSON patch', await patch(JsonPatch, [{ op: 'remove', path: '/data/a' }]));
  say('merge patch', await patch(MergePatch, { data: { b: null, c: '3' } }));
  say('strategic merge patch', await patch(StrategicMergePatch, { data: { d: '4' } }));
  const wanted = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'patched' }, data: { c: '5' } };
  await refused('apply', () => patch(ServerSideApply, wanted, { fieldManager: 'javascript' }));
  say('forced', await patch(ServerSideApply, wanted, { fieldManager: 'javascript', force: true }));
  await refused('patch that fails', () => patch(JsonPatch, [{ op: 'test', path: '/data/c', value: 'x' }]));
  await refused('of no type', () => patch('text/plain', []));
}

/** Resolves with what `begin` is given, as soon as that says so. */
const until = (begin) => new Promise((done, fail) => Promise.resolve(begin(done, fail)).catch(fail));

async function watches() {
  const version = (await core.listNamespacedConfigMap({ namespace })).metadata.resourceVersion;
  await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'watched' } } });
  await core.patchNamespacedConfigMap({ namespace, name: 'watched', body: [{ op: 'add', path: '/data', value: { a: '1' } }] });
  await core.deleteNamespacedConfigMap({ namespace, name: 'watched' });
  const watch = new k8s.Watch(config);
  const path = `/api/v1/namespaces/${namespace}/configmaps`;
  let request;
  await until(async (done, fail) => {
    const query = { resourceVersion: version, fieldSelector: 'metadata.name=watched', allowWatchBookmarks: true };
    request = await watch.watch(path, query, (phase, object) => {
      say('watched', phase, object.metadata.name, object.data);
      if (phase === 'DELETED') done();
    }, (error) => error && fail(error));
  });
  request.abort();
  await until((done) => watch.watch(path, { fieldSelector: 'metadata.name=nobody', timeoutSeconds: 1 }, () => {}, done));
  say('a watch ends by its timeout');
  const error = await until((done) => watch.watch(path, { resourceVersion: 'broken' }, () => {}, done));
  say('from a broken version', error.statusCode ?? error.code ?? error.message);
}

async function informer() {
  const body = (name) => ({ metadata: { name, labels: { part: 'informer' } } });
  await core.createNamespacedConfigMap({ namespace, body: body('early') });
  const labelSelector = 'part=informer';
  const list = () => core.listNamespacedConfigMap({ namespace, labelSelector });
  const followed = k8s.makeInformer(config, `/api/v1/namespaces/${namespace}/configmaps`, list, labelSelector);
  const seen = [];
  await until(async (done, fail) => {
    followed.on('add', (object) => seen.push(`add ${object.metadata.name}`));
    followed.on('update', (object) => seen.push(`update ${object.metadata.name} ${JSON.stringify(object.data)}`));
    followed.on('delete', (object) => {
      seen.push(`delete ${object.metadata.name}`);
      done();
    });
    followed.on('error', fail);
    await followed.start();
    await core.createNamespacedConfigMap({ namespace, body: body('late') });
    await core.patchNamespacedConfigMap({ namespace, name: 'late', body: [{ op: 'add', path: '/data', value: { a: '1' } }] });
    await core.deleteNamespacedConfigMap({ namespace, name: 'early' });
  });
  seen.forEach((line) => say(line));
  say('kept', followed.list().map((object) => object.metadata.name), Boolean(followed.get('late', namespace)));
  await followed.stop();
}

async function objects() {
  const api = k8s.KubernetesObjectApi.makeApiClient(config);
  const manifests = k8s.loadAllYaml(`
apiVersion: v1
kind: ConfigMap
metadata: {name: object, namespace: ${namespace}}
data: {a: "1"}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: object, namespace: ${namespace}}
spec:
  schedule: "0 0 1 1 *"
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: main, image: "registry.example/main:1"}]}}}}
`);
  for (const manifest of manifests) {
    const made = await api.create(manifest);
    say('created', made.apiVersion, made.kind, made.metadata.name, made.metadata.creationTimestamp instanceof Date);
  }
  const [map, job] = manifests;
  say('read', (await api.read(job)).spec.concurrencyPolicy);
  const patched = await api.patch({ ...map, data: { b: '2' } }, undefined, undefined, 'javascript', undefined, k8s.PatchStrategy.MergePatch);
  say('patched', patched.data);
  const applied = await api.patch({ ...map, data: { c: '3' } }, undefined, undefined, 'javascript', true, k8s.PatchStrategy.ServerSideApply);
  say('applied', applied.data);
  say('replaced', (await api.replace({ ...applied, data: { d: '4' }, metadata: { ...applied.metadata, managedFields: undefined } })).data);
  const listed = await api.list('v1', 'ConfigMap', namespace, undefined, undefined, undefined, 'metadata.name=object');
  say('listed', listed.kind, listed.items.length);
  await refused('created twice', () => api.create(map));
  for (const manifest of manifests) say('deleted', (await api.delete(manifest)).status);
  await refused('gone', () => api.read(map));
  try {
    await api.create({ apiVersion: 'v1', kind: 'Pot', metadata: { name: 'x' } });
  } catch (error) {
    say('no such kind', error.message);
  }
}

async function others() {
  const version = await config.makeApiClient(k8s.VersionApi).getCode();
  say('version', version.major, version.minor);
  const groups = (await config.makeApiClient(k8s.ApisApi).getAPIVersions()).groups.map((group) => group.name);
  say('groups', ['apps', 'batch', 'coordination.k8s.io'].every((name) => groups.includes(name)));
  const health = new k8s.Health(config);
  say('health', await health.readyz({}), await health.livez({}));
  const review = { spec: { resourceAttributes: { verb: 'create', resource: 'pods', namespace } } };
  const answer = await config.makeApiClient(k8s.AuthorizationV1Api).createSelfSubjectAccessReview({ body: review });
  say('allowed', answer.status.allowed);
  const lease = { metadata: { name: 'lease' }, spec: { holderIdentity: 'a', leaseDurationSeconds: 10, renewTime: new k8s.V1MicroTime('2030-01-02T03:04:05.678Z') } };
  const kept = await config.makeApiClient(k8s.CoordinationV1Api).createNamespacedLease({ namespace, body: lease });
  say('lease', kept.spec.renewTime);
}

async function logs() {
  const container = { name: 'main', image, args: ['one', 'two'] };
  await core.createNamespacedPod({ namespace, body: { metadata: { name: 'talks' }, spec: { restartPolicy: 'Never', containers: [container] } } });
  let request;
  await until(async (done, fail) => {
    request = await new k8s.Watch(config).watch(`/api/v1/namespaces/${namespace}/pods`, { fieldSelector: 'metadata.name=talks' }, (_, pod) => {
      if (['Succeeded', 'Failed'].includes(pod.status.phase)) done(say('ended', pod.status.phase));
    }, (error) => error && fail(error));
  });
  request.abort();
  const whole = await core.readNamespacedPodLog({ namespace, name: 'talks' });
  let followed = '';
  const sink = new Writable({ write: (chunk, _, next) => next(void (followed += chunk)) });
  await until(async (done, fail) => {
    sink.on('finish', done).on('error', fail);
    await new k8s.Log(config).log(namespace, 'talks', 'main', sink, { follow: true });
  });
  say('followed', followed === whole, followed.includes('argument two'));
}

await core.createNamespace({ body: { metadata: { name: namespace } } });
for (const part of [typedVerbs, patchTypes, watches, informer, objects, others, ...(image ? [logs] : [])]) {
  say('#', part.name);
  await part();
}
await core.deleteNamespace({ name: namespace });
