package io.sluice.control.webhook;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsExchange;
import com.sun.net.httpserver.HttpsParameters;
import com.sun.net.httpserver.HttpsServer;
import io.sluice.control.compile.CompilerSettings;
import io.sluice.control.tls.ClientCertificates;
import io.sluice.control.tls.HandshakeKeys;
import io.sluice.control.traffic.TrafficApi;
import io.sluice.control.validate.ObjectsPresent;
import io.sluice.control.webhook.AdmissionReviews.NoReviewException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.TrustManager;
import org.jspecify.annotations.Nullable;

/**
 * What the API server calls: {@code POST /validate} over TLS 1.3, one virtual thread a request.
 * Whoever reaches the port may ask that: the answer tells nothing but what is wrong with the object
 * that was sent. Where it is wanted {@link TrafficApi} too, which looks who asks.
 *
 * <p>Beyond its limits it answers with an error, and the failure policy of the webhook's
 * configuration decides.
 */
public final class AdmissionWebhook implements AutoCloseable {
  /** An object of etcd's limit of 1.5 MiB, old and new, with what JSON adds. */
  static final int MAX_BODY_BYTES = 4 << 20;

  /** As many as hold their bodies in memory at once. */
  static final int MAX_REQUESTS = 16;

  private static final String PATH = "/validate";
  private static final int BACKLOG = 64;
  private static final Logger LOG = System.getLogger(AdmissionWebhook.class.getName());

  /**
   * Limits of the JDK's server that hold before a handler sees the request. It reads them once in a
   * process, when the first server is made.
   */
  private static final String MAX_CONNECTIONS = "jdk.httpserver.maxConnections";

  /** Seconds, by the code of JDK 25; its documentation says milliseconds. */
  private static final String MAX_REQUEST_SECONDS = "sun.net.httpserver.maxReqTime";

  private final HttpsServer server;
  private final CompilerSettings rules;
  private final ObjectsPresent present;
  private final @Nullable TrafficApi trafficOrNull;
  private final Duration patience;
  private final ExecutorService executor =
      Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("sluice-webhook-", 0).factory());
  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("sluice-webhook-timer").factory());
  private final Semaphore places = new Semaphore(MAX_REQUESTS);

  private AdmissionWebhook(
      HttpsServer server,
      CompilerSettings rules,
      ObjectsPresent present,
      @Nullable TrafficApi trafficOrNull,
      Duration patience) {
    this.server = server;
    this.rules = rules;
    this.present = present;
    this.trafficOrNull = trafficOrNull;
    this.patience = patience;
    server.createContext("/", this::answer);
    server.setExecutor(executor);
    server.start();
  }

  /**
   * Listens and answers.
   *
   * @param address port 0 for any
   * @param rules of the controller beside it, so that both judge alike
   * @param present what the controller knows of the mesh
   * @param trafficOrNull served at the same port, and owned; null where it is not wanted
   * @throws UncheckedIOException when it cannot listen there
   */
  public static AdmissionWebhook start(
      InetSocketAddress address,
      ServingCertificate certificate,
      CompilerSettings rules,
      ObjectsPresent present,
      @Nullable TrafficApi trafficOrNull) {
    return start(address, certificate, rules, present, trafficOrNull, Duration.ofSeconds(10));
  }

  /**
   * As the other.
   *
   * @param patience longest time from a request's head to its answer; the API server waits 10 s
   */
  static AdmissionWebhook start(
      InetSocketAddress address,
      ServingCertificate certificate,
      CompilerSettings rules,
      ObjectsPresent present,
      @Nullable TrafficApi trafficOrNull,
      Duration patience) {
    setDefault(MAX_CONNECTIONS, "256");
    setDefault(MAX_REQUEST_SECONDS, "10");
    try {
      HttpsServer server = HttpsServer.create(address, BACKLOG);
      server.setHttpsConfigurator(new Tls(context(certificate), trafficOrNull != null));
      AdmissionWebhook started =
          new AdmissionWebhook(server, rules, present, trafficOrNull, patience);
      LOG.log(Level.INFO, "webhook_ready port={0}", Integer.toString(started.port()));
      return started;
    } catch (IOException e) {
      throw new UncheckedIOException("the webhook cannot listen on " + address, e);
    }
  }

  private static void setDefault(String property, String value) {
    if (System.getProperty(property) == null) {
      System.setProperty(property, value);
    }
  }

  private static SSLContext context(ServingCertificate certificate) {
    try {
      SSLContext context = SSLContext.getInstance("TLSv1.3");
      context.init(
          new KeyManager[] {
            new HandshakeKeys((keyType, engine) -> certificate.presentFor(keyType))
          },
          new TrustManager[] {new ClientCertificates()},
          null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every JDK has TLS 1.3", e);
    }
  }

  private static final class Tls extends HttpsConfigurator {
    private final boolean asksWhoCalls;

    Tls(SSLContext context, boolean asksWhoCalls) {
      super(context);
      this.asksWhoCalls = asksWhoCalls;
    }

    @Override
    public void configure(HttpsParameters parameters) {
      SSLParameters tls = getSSLContext().getDefaultSSLParameters();
      tls.setProtocols(new String[] {"TLSv1.3"});
      tls.setWantClientAuth(asksWhoCalls);
      parameters.setSSLParameters(tls);
    }
  }

  /** Where it listens. */
  public int port() {
    return server.getAddress().getPort();
  }

  private void answer(HttpExchange exchange) {
    Thread answering = Thread.currentThread();
    AtomicBoolean isLate = new AtomicBoolean();
    ScheduledFuture<?> deadline =
        timer.schedule(
            () -> cut(exchange, answering, isLate), patience.toNanos(), TimeUnit.NANOSECONDS);
    boolean hasPlace = places.tryAcquire();
    try (exchange) {
      Reply reply = hasPlace ? reply(exchange) : Reply.error(503, "too many requests at once");
      if (isLate.get()) {
        return; // what was made of a wait that was broken off is no answer
      }
      byte[] body = reply.body();
      exchange.getResponseHeaders().set("Content-Type", reply.type());
      exchange.sendResponseHeaders(reply.status(), body.length);
      exchange.getResponseBody().write(body);
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "webhook_request_broken {0}", e.getMessage());
    } finally {
      if (hasPlace) {
        places.release();
      }
      deadline.cancel(false);
    }
  }

  /**
   * Who waits for others gives its place back. Closing may wait for whoever reads, so the timer's
   * only thread leaves it to another.
   */
  private static void cut(HttpExchange exchange, Thread answering, AtomicBoolean isLate) {
    isLate.set(true); // before the wait ends
    answering.interrupt();
    Thread.ofVirtual().start(exchange::close);
  }

  private Reply reply(HttpExchange exchange) throws IOException {
    if (trafficOrNull != null
        && TrafficApi.isFor(exchange.getRequestURI().getPath())
        && exchange instanceof HttpsExchange secured) {
      TrafficApi.Answered answered = trafficOrNull.answer(secured);
      return new Reply(
          answered.status(), answered.type(), answered.body().getBytes(StandardCharsets.UTF_8));
    }
    if (!exchange.getRequestURI().getPath().equals(PATH)) {
      return Reply.error(404, "only " + PATH + " is served");
    }
    if (!exchange.getRequestMethod().equals("POST")) {
      return Reply.error(405, "reviews are posted");
    }
    String type = exchange.getRequestHeaders().getFirst("Content-Type");
    if (type == null || !type.split(";", 2)[0].strip().equals(Reply.JSON)) {
      return Reply.error(415, "a review is " + Reply.JSON);
    }
    byte[] body = exchange.getRequestBody().readNBytes(MAX_BODY_BYTES + 1);
    if (body.length > MAX_BODY_BYTES) {
      return Reply.error(413, "a review has at most " + MAX_BODY_BYTES + " bytes");
    }
    try {
      return new Reply(200, Reply.JSON, AdmissionReviews.answer(body, rules, present));
    } catch (NoReviewException e) {
      return Reply.error(400, String.valueOf(e.getMessage()));
    } catch (RuntimeException e) {
      LOG.log(Level.ERROR, "webhook_request_failed", e); // a mistake in here must be seen
      return Reply.error(500, "the review failed; the controller's log says why");
    }
  }

  @SuppressWarnings("ArrayRecordComponent") // written out once, never compared
  private record Reply(int status, String type, byte[] body) {
    static final String JSON = "application/json";

    static Reply error(int status, String text) {
      return new Reply(status, "text/plain", (text + "\n").getBytes(StandardCharsets.UTF_8));
    }
  }

  /** Takes no new request, lets those that run end within a second. */
  @Override
  public void close() {
    server.stop(1);
    timer.shutdownNow();
    executor.shutdownNow();
    if (trafficOrNull != null) {
      trafficOrNull.close();
    }
  }
}
