// workers.js ROUND - generations of worker threads work on strings, maps, shared and transferred
// buffers; zlib and crypto run in the thread pool beside them. Prints digests.
'use strict';
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const crypto = require('crypto');
const util = require('util');
const zlib = require('zlib');

const sha1 = (data) => crypto.createHash('sha1').update(data).digest('hex');

function draw(state) {
  state.x = (Math.imul(state.x, 1103515245) + 12345) & 0x7fffffff;
  return state.x >> 8;
}

function work({ id, shared, buffer }) {
  const state = { x: id };
  const words = new Map();
  for (let i = 0; i < 60000; i++) {
    const word = 'w' + (draw(state) % 5000);
    words.set(word, (words.get(word) || '') + (i % 10));
  }
  const text = [...words].sort((a, b) => (a[0] < b[0] ? -1 : 1)).join(';');
  const bytes = Buffer.from(buffer);
  for (let i = 0; i < bytes.length; i++) bytes[i] ^= draw(state);
  for (let i = 0; i < 1000; i++) Atomics.add(new Int32Array(shared), i % 16, id);
  const packed = zlib.deflateSync(bytes.subarray(0, 40000));
  const objects = JSON.parse(JSON.stringify([...words].slice(0, 500).map(([k, v]) => ({ k, v }))));
  parentPort.postMessage(
    { id, text: sha1(text), packed: sha1(packed), objects: objects.length, buffer },
    [buffer]);
}

function start(id, shared) {
  return new Promise((resolve, reject) => {
    const buffer = new ArrayBuffer(30000 + id * 1777);
    const worker = new Worker(__filename, { workerData: { id, shared, buffer } });
    let answer;
    worker.on('message', (message) => { answer = message; });
    worker.on('error', reject);
    worker.on('exit', (code) => (code ? reject(new Error(`exit ${code}`)) : resolve(answer)));
  });
}

async function pool(round) {
  const jobs = [];
  for (let i = 0; i < 24; i++) {
    const data = Buffer.from(`block ${i} of ${round} `.repeat(3000 + i * 400));
    jobs.push(util.promisify(zlib.gzip)(data, { level: 1 + (i % 9) })
      .then(util.promisify(zlib.gunzip))
      .then((back) => `${i} ${back.equals(data)} ${sha1(back)}`));
    jobs.push(util.promisify(crypto.pbkdf2)(`secret ${i}`, 'salt', 2000, 64, 'sha256')
      .then((key) => `${i} ${sha1(key)}`));
  }
  return Promise.all(jobs);
}

async function main(round) {
  const shared = new SharedArrayBuffer(64);
  for (let generation = 0; generation < 3; generation++) {
    const ids = [0, 1, 2, 3].map((i) => round * 100 + generation * 10 + i);
    const [answers, jobs] = await Promise.all([
      Promise.all(ids.map((id) => start(id, shared))), pool(round)]);
    for (const { id, text, packed, objects, buffer } of answers) {
      console.log(id, text, packed, objects, sha1(Buffer.from(buffer)));
    }
    console.log(sha1(jobs.join('\n')), jobs.filter((line) => line.includes('true')).length);
  }
  console.log([...new Int32Array(shared)].join(' '));
}

if (isMainThread) {
  main(Number(process.argv[2])).catch((error) => { console.error(error); process.exit(1); });
} else {
  work(workerData);
}
