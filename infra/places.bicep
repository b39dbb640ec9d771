// Where a resource is, by its id. Functions only; nothing is deployed from here.

@export()
@description('Subscription and resource group in a resource id; an empty one is here.')
func placeOf(id string, here object) object =>
  empty(id) ? here : { subscription: split(id, '/')[2], group: split(id, '/')[4] }
