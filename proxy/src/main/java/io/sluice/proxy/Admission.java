package io.sluice.proxy;

import io.sluice.mesh.MeshSnapshot;

/** Finds out what is to become of a connection that has its place on a loop. */
interface Admission {
  /** Leads to a dial or a refusal, now or later. Runs on the connection's event loop. */
  void admit(Connection connection, MeshSnapshot snapshot);
}
