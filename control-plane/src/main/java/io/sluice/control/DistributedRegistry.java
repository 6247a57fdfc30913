package io.sluice.control;

import io.sluice.control.authority.TrustBundle;
import io.sluice.control.distribution.Distribution;
import io.sluice.control.xds.stream.XdsStreams;
import io.sluice.mesh.FederatedBundles;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.TrustDomain;
import io.sluice.process.Logs;
import java.util.Optional;

/** Hands what the registry has to nodes and to xDS clients. Any thread; never blocks. */
record DistributedRegistry(RegistryView registry, Distribution distribution, XdsStreams xds) {
  /** Begins, with what the registry has now. */
  void start() {
    registry.listen(this::publish);
    publish();
  }

  private void publish() {
    MeshSnapshot newest = registry.newest();
    Logs.set(newest.settings().logs());
    distribution.publish(newest);
    xds.publish(newest);
  }

  /** Hands the roots of the mesh to xDS clients, which have no stream for them alone. */
  void trust(TrustBundle bundle) {
    xds.publish(bundle);
  }

  /** What the mesh's trust domain is to be; empty while the registry has not read everything. */
  Optional<TrustDomain> trustDomain() {
    return settings().map(MeshSettings::trustDomain);
  }

  /** The roots of other meshes; empty while the registry has not read everything. */
  Optional<FederatedBundles> federation() {
    return settings().map(MeshSettings::federated);
  }

  private Optional<MeshSettings> settings() {
    return Optional.of(registry.newest())
        .filter(MeshSnapshot::isComplete)
        .map(MeshSnapshot::settings);
  }

  /** What nobody tells of: whose certificate has ended. */
  void look() {
    distribution.endThoseWithoutProof();
    xds.endThoseWithoutProof();
  }
}
