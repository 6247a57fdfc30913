package io.sluice.control.authority.vault;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.AuthorityException.Reason;
import io.sluice.process.Backoff;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;

/**
 * The token that requests carry: got by a login, renewed at two thirds of its life by a thread of
 * its own, got anew when Vault no longer takes it. Any thread.
 */
final class VaultSession implements AutoCloseable {
  private static final Logger LOG = System.getLogger(VaultSession.class.getName());
  private static final int LONGEST_CREDENTIAL_BYTES = 16_384;
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);
  private static final Duration SHORTEST_PAUSE = Duration.ofMillis(500);
  private static final JsonNode NOTHING = JsonNodeFactory.instance.objectNode();

  /** A token; {@code ends} is {@link Instant#MAX} for one without an end. */
  private record Token(String value, boolean renewable, Instant renewAt, Instant ends) {}

  private final VaultClient client;
  private final VaultLogin login;
  private final InstantSource clock;
  private final Thread renewal;
  private @Nullable Token current;
  private @Nullable AuthorityException failedLogin;
  private Instant loginAgainAt = Instant.MIN;

  VaultSession(VaultClient client, VaultLogin login, InstantSource clock) {
    this.client = client;
    this.login = login;
    this.clock = clock;
    this.renewal = Thread.ofVirtual().name("sluice-vault-token").start(this::keepFresh);
  }

  /** A token that Vault should take. */
  synchronized String token() {
    Token token = current;
    if (token == null || !clock.instant().isBefore(token.ends())) {
      token = loginOnceForAll();
      current = token;
    }
    return token.value();
  }

  /** Callers that queued up while a login failed get its failure, not a time-out each. */
  private Token loginOnceForAll() {
    AuthorityException failed = failedLogin;
    if (failed != null && clock.instant().isBefore(loginAgainAt)) {
      throw failed;
    }
    try {
      Token token = login();
      failedLogin = null;
      return token;
    } catch (AuthorityException e) {
      failedLogin = e;
      loginAgainAt = clock.instant().plus(SHORTEST_PAUSE);
      throw e;
    }
  }

  /** Vault did not take {@code token}: the next one is got by a login. */
  synchronized void refused(String token) {
    if (current != null && current.value().equals(token)) {
      current = null;
    }
  }

  private synchronized void renewIfDue() {
    Token token = current;
    Instant now = clock.instant();
    if (token == null || now.isBefore(token.renewAt())) {
      return;
    }
    if (!token.renewable()) {
      current = login instanceof VaultLogin.Kubernetes ? login() : token;
      return;
    }
    try {
      current = token(client.post("auth/token/renew-self", token.value(), NOTHING).path("auth"));
    } catch (AuthorityException e) {
      if (!e.reason().isRetryable()) {
        current = null; // past its greatest life, or revoked: the next use logs in
      }
      throw e;
    }
  }

  private void keepFresh() {
    Backoff backoff = new Backoff(SHORTEST_PAUSE, LONGEST_PAUSE);
    while (!Thread.currentThread().isInterrupted()) {
      Duration pause;
      try {
        renewIfDue();
        backoff.reset();
        pause = untilRenewal();
      } catch (AuthorityException e) {
        LOG.log(Level.WARNING, "vault_token_not_renewed {0}", e.getMessage());
        pause = backoff.failed();
      }
      try {
        Thread.sleep(pause);
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  private synchronized Duration untilRenewal() {
    if (current == null || current.renewAt().equals(Instant.MAX)) {
      return SHORTEST_PAUSE; // a login may happen at any time, and its token may be short
    }
    Duration left = Duration.between(clock.instant(), current.renewAt());
    if (left.compareTo(SHORTEST_PAUSE) < 0) {
      return SHORTEST_PAUSE;
    }
    return left.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : left;
  }

  private Token login() {
    return switch (login) {
      case VaultLogin.TokenFile(Path file) -> lookedUp(credential(file));
      case VaultLogin.Kubernetes(String mount, String role, Path jwt) ->
          token(
              client
                  .post(
                      "auth/" + mount + "/login",
                      "",
                      JsonNodeFactory.instance
                          .objectNode()
                          .put("role", role)
                          .put("jwt", credential(jwt)))
                  .path("auth"));
    };
  }

  private Token lookedUp(String value) {
    JsonNode data = client.get("auth/token/lookup-self", value).path("data");
    return token(value, data.path("ttl").asLong(), data.path("renewable").asBoolean());
  }

  private Token token(JsonNode auth) {
    String value = auth.path("client_token").asText();
    if (value.isEmpty()) {
      throw new AuthorityException(
          Reason.BACKEND_UNREACHABLE,
          "Vault login",
          "the answer holds no token",
          "look whether the address is Vault's");
    }
    return token(value, auth.path("lease_duration").asLong(), auth.path("renewable").asBoolean());
  }

  private Token token(String value, long seconds, boolean renewable) {
    if (seconds <= 0) {
      return new Token(value, false, Instant.MAX, Instant.MAX);
    }
    Instant now = clock.instant();
    Duration life = Duration.ofSeconds(seconds);
    return new Token(value, renewable, now.plus(life.multipliedBy(2).dividedBy(3)), now.plus(life));
  }

  private static String credential(Path file) {
    try {
      if (Files.size(file) > LONGEST_CREDENTIAL_BYTES) {
        throw unusable(file, "it is longer than " + LONGEST_CREDENTIAL_BYTES + " bytes", null);
      }
      String text = Files.readString(file).strip();
      if (text.isEmpty() || !text.chars().allMatch(c -> c > ' ' && c < 0x7f)) {
        throw unusable(file, "it does not hold one token", null);
      }
      return text;
    } catch (IOException e) {
      throw unusable(file, "it cannot be read", e);
    }
  }

  private static AuthorityException unusable(
      Path file, String problem, @Nullable IOException cause) {
    return new AuthorityException(
        Reason.BACKEND_CREDENTIAL_REFUSED,
        file.toString(),
        problem,
        "put a token for Vault there, or set another file",
        cause);
  }

  @Override
  public void close() {
    renewal.interrupt();
  }
}
