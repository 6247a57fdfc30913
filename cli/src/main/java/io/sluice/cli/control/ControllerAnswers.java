package io.sluice.cli.control;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.cli.output.RegistryProblems;
import io.sluice.control.Controller;
import io.sluice.control.ControllerStatus;
import io.sluice.control.FollowersJson;
import io.sluice.control.ReplicaState;
import io.sluice.control.authority.AuthorityException;
import io.sluice.control.lease.WriterLease.LeaseState;
import io.sluice.control.manifest.WrittenDuration;
import io.sluice.control.registry.CompiledRegistry;
import io.sluice.node.RegistryFindings;
import io.sluice.process.AdminRequest;
import io.sluice.process.AdminServer;
import java.util.Locale;
import java.util.function.Consumer;

/** What the controller answers on its admin socket. */
record ControllerAnswers(Controller controller, CompiledRegistry registry)
    implements AdminServer.Answers {
  static final String STATUS = "status";
  static final String ROTATE_ROOT = "rotate-root";
  static final String CANCEL_ROTATION = "cancel-rotation";

  @Override
  public void answer(AdminRequest request, Consumer<JsonNode> out) {
    try {
      switch (request.command()) {
        case STATUS -> out.accept(status());
        case ROTATE_ROOT -> {
          if (request.map().isEmpty()) {
            controller.rotateRoot();
          } else {
            controller.rotateRoot(WrittenDuration.parse(request.map()));
          }
          out.accept(status());
        }
        case CANCEL_ROTATION -> {
          controller.cancelRotation();
          out.accept(status());
        }
        default ->
            throw new IllegalArgumentException(
                "a controller does not know '" + request.command() + "'");
      }
    } catch (AuthorityException e) {
      throw new IllegalArgumentException(e.getMessage(), e); // told to who asked
    }
  }

  private static void describe(ReplicaState replica, ObjectNode json) {
    LeaseState lease = replica.lease();
    json.put("replica", lease.identity());
    json.put("leaseHeld", lease.held());
    json.put("leaseHolder", lease.holder().isEmpty() ? "nobody known" : lease.holder());
    ArrayNode problems = json.putArray("replicaProblems");
    replica.problems().forEach(problems::add);
  }

  private JsonNode status() {
    ControllerStatus status = controller.status();
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("trustDomain", status.trustDomain());
    json.put("trustDomainChange", status.trustDomainChange());
    json.put("port", status.port());
    json.put("authority", status.authority().condition().name().toLowerCase(Locale.ROOT));
    json.put("authorityDetail", status.authority().detail());
    json.put("rotation", status.rotation().orElse("kept elsewhere"));
    json.put("trustBundleGeneration", status.generation());
    json.put("certificateEnd", status.certificateEnd().map(Object::toString).orElse("none"));
    json.put("registryRevision", status.registryRevision());
    json.put("registryComplete", status.registryComplete());
    RegistryFindings.put(
        json.putArray("registryProblems"), RegistryProblems.of(registry.status()).problems());
    ObjectNode refusals = json.putObject("refusals");
    status.refusals().forEach(refusals::put);
    ObjectNode calls = json.putObject("lastCalls");
    status
        .calls()
        .forEach(call ->
            calls
                .putObject(call.who())
                .put("at", call.at().toString())
                .put("result", call.result().toLowerCase(Locale.ROOT)));
    FollowersJson.put(status, json);
    status.replica().ifPresent(replica -> describe(replica, json));
    return json;
  }
}
