// BentoCache behind node's own HTTP server: node bento.mjs KIND PORT MBUS REDIS_SOCKET, in the folder it is installed in.
import { createHash } from 'node:crypto'
import { Agent, createServer, get } from 'node:http'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const [kind, port, mbus, redisSocket] = process.argv.slice(2)
const installed = createRequire(join(process.cwd(), 'package.json'))
const load = (name) => import(pathToFileURL(installed.resolve(name)))
const { BentoCache, bentostore } = await load('bentocache')
const SLOTS = [0, 1, 2, 3, 4, 5, 6, 7]

async function store() {
  if (kind === 'memory') {
    const { memoryDriver } = await load('bentocache/drivers/memory')
    return bentostore().useL1Layer(memoryDriver({ maxItems: 400000, serialize: false }))
  }
  const { redisDriver } = await load('bentocache/drivers/redis')
  return bentostore().useL2Layer(redisDriver({ connection: { path: redisSocket } }))
}

const agent = new Agent({ keepAlive: true })

function part(path) {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port: mbus, path, agent }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (piece) => (text += piece)).on('end', () => resolve(text)).on('error', reject)
    }).on('error', reject)
  })
}

async function composed(user) {
  const parts = await Promise.all(SLOTS.map(async (n) => `"s${n}":${await part(`/m${n}/${user}`)}`))
  const body = `{"data":{${parts.join(',')}}}`
  return { body, etag: `"${createHash('md5').update(body).digest('hex')}"` }
}

const cache = new BentoCache({ default: 'views', stores: { views: await store() } })

createServer(async (request, response) => {
  const user = request.url.slice('/home/'.length)
  let how = 'hit'
  const factory = () => {
    how = 'miss'
    return composed(user)
  }
  const view = await cache.getOrSet({ key: user, ttl: '30m', factory })
  const headers = { 'cache-status': `bento;${how}`, etag: view.etag, vary: 'accept', 'cache-control': 'private, no-cache' }
  if (request.headers['if-none-match'] === view.etag) return response.writeHead(304, headers).end()
  const about = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(view.body) }
  response.writeHead(200, { ...headers, ...about }).end(view.body)
}).listen(Number(port), '127.0.0.1')
