package io.sluice.proxy.http;

import io.sluice.mesh.ExternalAuthorization;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.proxy.Authorized;
import io.sluice.proxy.decide.Subject;
import io.sluice.proxy.http.AuthorizationMessages.Answer;
import io.sluice.proxy.upstream.LocalPod;
import java.net.InetSocketAddress;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Asks whom the MeshConfig names about requests that have arrived at pods, for all of one event
 * loop. On that loop.
 */
public final class Authorizer {
  private static final GrpcClients.Protocol<Answer> PROTOCOL =
      new GrpcClients.Protocol<>(
          "authorizer", AuthorizationMessages.PATH, true, AuthorizationMessages::answer);

  private final GrpcClients clients;
  private final Consumer<Authorized> counts;

  /** By these clients; {@code counts} hears what became of each request. */
  public Authorizer(GrpcClients clients, Consumer<Authorized> counts) {
    this.clients = clients;
    this.counts = counts;
  }

  /**
   * Asks about a request, where somebody is to be asked.
   *
   * @param called where the request was sent
   * @param told runs when it is known, never before this returns
   */
  @Nullable Inquiry<Answer> ask(
      MeshSnapshot snapshot,
      Head request,
      Subject subject,
      InetSocketAddress called,
      String version,
      LocalPod pod,
      Runnable told) {
    ExternalAuthorization by = snapshot.settings().authorizationOrNull();
    return by == null
        ? null
        : clients.ask(
            snapshot,
            by.server(),
            PROTOCOL,
            AuthorizationMessages.request(request, subject, called, version),
            by.timeoutMillis(),
            by.failOpen(),
            called,
            pod,
            inquiry -> {
              counts.accept(outcome(inquiry));
              told.run();
            });
  }

  private static Authorized outcome(Inquiry<Answer> inquiry) {
    return switch (inquiry.answerOrNull()) {
      case Answer.Granted _ -> Authorized.OK;
      case Answer.Denied _ -> Authorized.DENIED;
      case null -> inquiry.failsOpen() ? Authorized.FAILURE_MODE_ALLOWED : Authorized.ERROR;
    };
  }
}
