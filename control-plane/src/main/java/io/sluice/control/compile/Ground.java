package io.sluice.control.compile;

/** Why an object has a status, for programs that tell these apart: its sentence is for people. */
public enum Ground {
  /** The sentence alone says it. */
  SAID,
  /** Nobody can read it, or knows its field or key. */
  MISTAKEN,
  /** The same object is there twice. */
  DUPLICATE,
  /** It claims what another one has: an address, a network namespace, a UID. */
  CLAIMED_TWICE,
  /** There is more than one MeshConfig. */
  SEVERAL_MESH_CONFIGS,
  /** Its version of a known API is not read. */
  VERSION_UNKNOWN,
  /** It asks for what the mesh does not do. */
  NOT_ENFORCED,
  /** It has a word that means nothing, in place of which the safe one holds. */
  WORD_UNKNOWN,
  /** A rule of a TrafficTarget names a route that is not there. */
  ROUTE_MISSING,
  /** A rule of a TrafficTarget names a match that cannot be used. */
  MATCH_MISSING,
  /** A TrafficTarget is not in the namespace of its destination. */
  TARGET_NAMESPACE,
  /** An end of a TrafficTarget is of a kind that cannot be one. */
  END_KIND,
  /** A source is of a trust domain whose roots the mesh does not have. */
  FOREIGN_DOMAIN,
  /** A TrafficTarget has no source that can be used. */
  NO_SOURCE,
  /** A denial means the mesh itself. */
  DENIES_OWN,
  /** A TrafficSplit names an HTTPRouteGroup that is not there. */
  SPLIT_GROUP,
  /** All weights of a TrafficSplit are 0. */
  SPLIT_WEIGHTS,
  /** The Service of a TrafficSplit cannot be called. */
  SPLIT_SERVICE,
  /** A backend of a TrafficSplit is not there. */
  SPLIT_BACKEND,
  /** A backend of a TrafficSplit lacks ports of its Service. */
  SPLIT_PORTS,
  /** A filter of a route cannot be used as it is written. */
  GATEWAY_FILTER,
  /** A route is for a Service or port that is not there. */
  GATEWAY_PARENT,
  /** An EndpointSlice is of no Service. */
  SLICE_ALONE,
  /** A Service is of type ExternalName. */
  SERVICE_EXTERNAL,
  /** A TCPRoute has the port of a Service, where the pods behind it have another. */
  SERVICE_PORT,
  /** A TrafficTarget's source is in a namespace that does not exist. */
  SOURCE_NAMESPACE,
  /** Requests are granted where a Service's port is carried as bytes. */
  HTTP_ON_BYTES,
  /** A range is included and excluded. */
  EXCLUSION_CONTRADICTS,
  /** A Pod has no address. */
  POD_NO_ADDRESS,
  /** A Pod asks for enrolment and cannot have it. */
  POD_HOST_NETWORK
}
