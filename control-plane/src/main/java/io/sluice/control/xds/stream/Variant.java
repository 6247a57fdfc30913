package io.sluice.control.xds.stream;

import io.sluice.api.envoy.core.ControlPlane;
import io.sluice.api.envoy.discovery.DeltaDiscoveryRequest;
import io.sluice.api.envoy.discovery.DeltaDiscoveryResponse;
import io.sluice.api.envoy.discovery.DiscoveryRequest;
import io.sluice.api.envoy.discovery.DiscoveryResponse;
import io.sluice.api.envoy.discovery.Resource;
import io.sluice.control.xds.stream.Ask.Wish;
import io.sluice.control.xds.translate.XdsResource;
import io.sluice.mesh.Release;
import java.util.Optional;

/**
 * A variant of the protocol: how its messages read, and how they are written.
 *
 * @param <Q> requests
 * @param <A> responses
 */
public sealed interface Variant<Q, A> {
  /** Each request names everything that is wanted. */
  Variant<DiscoveryRequest, DiscoveryResponse> STATE_OF_THE_WORLD = new StateOfTheWorld();

  /** Each request says what has changed. */
  Variant<DeltaDiscoveryRequest, DeltaDiscoveryResponse> INCREMENTAL = new Incremental();

  /** Whether a response can say that something is no more. */
  boolean tellsRemovals();

  /** Reads a request; nothing of it is checked yet. */
  Ask ask(Q request);

  /** Writes a response. */
  A response(Batch batch);

  /** For people who look at what a client has. */
  private static ControlPlane us() {
    return ControlPlane.newBuilder().setIdentifier("sluice " + Release.VERSION).build();
  }

  /** Which the clients of gRPC speak. */
  final class StateOfTheWorld implements Variant<DiscoveryRequest, DiscoveryResponse> {
    private StateOfTheWorld() {}

    @Override
    public boolean tellsRemovals() {
      return false;
    }

    @Override
    public Ask ask(DiscoveryRequest request) {
      return new Ask(
          request.getTypeUrl(),
          request.hasNode() ? Optional.of(request.getNode()) : Optional.empty(),
          request.getResponseNonce(),
          request.hasErrorDetail()
              ? Optional.of(request.getErrorDetail().getMessage())
              : Optional.empty(),
          new Wish.Exactly(request.getResourceNamesList()));
    }

    @Override
    public DiscoveryResponse response(Batch batch) {
      DiscoveryResponse.Builder response =
          DiscoveryResponse.newBuilder()
              .setTypeUrl(batch.type().url())
              .setNonce(batch.nonce())
              .setVersionInfo(batch.version())
              .setControlPlane(us());
      batch.resources().forEach(resource -> response.addResources(resource.content()));
      return response.build();
    }
  }

  /** Also called delta. */
  final class Incremental implements Variant<DeltaDiscoveryRequest, DeltaDiscoveryResponse> {
    private Incremental() {}

    @Override
    public boolean tellsRemovals() {
      return true;
    }

    @Override
    public Ask ask(DeltaDiscoveryRequest request) {
      return new Ask(
          request.getTypeUrl(),
          request.hasNode() ? Optional.of(request.getNode()) : Optional.empty(),
          request.getResponseNonce(),
          request.hasErrorDetail()
              ? Optional.of(request.getErrorDetail().getMessage())
              : Optional.empty(),
          new Wish.Change(
              request.getResourceNamesSubscribeList(),
              request.getResourceNamesUnsubscribeList(),
              request.getInitialResourceVersionsMap()));
    }

    @Override
    public DeltaDiscoveryResponse response(Batch batch) {
      DeltaDiscoveryResponse.Builder response =
          DeltaDiscoveryResponse.newBuilder()
              .setTypeUrl(batch.type().url())
              .setNonce(batch.nonce())
              .setSystemVersionInfo(batch.version())
              .addAllRemovedResources(batch.removed())
              .setControlPlane(us());
      for (XdsResource resource : batch.resources()) {
        response.addResources(
            Resource.newBuilder()
                .setName(resource.name())
                .setVersion(resource.version())
                .setResource(resource.content()));
      }
      return response.build();
    }
  }
}
