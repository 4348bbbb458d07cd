/** What `cloudflare:workers` gives to a Worker, as far as workers-oauth-provider asks: a base class that it compares handlers with. */

export class WorkerEntrypoint {}
