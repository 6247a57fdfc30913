package io.sluice.proxy.http;

import com.google.protobuf.ByteString;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.EventLoop;
import io.sluice.mesh.ExternalAuthorization;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.proxy.Authorized;
import io.sluice.proxy.decide.Subject;
import io.sluice.proxy.limits.BufferBudget;
import io.sluice.proxy.relay.SocketSetup;
import io.sluice.proxy.upstream.LocalPod;
import io.sluice.proxy.upstream.Means;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Asks whom the MeshConfig names about requests that have arrived at pods, for all of one event
 * loop. On that loop.
 */
public final class Authorizer implements AutoCloseable {
  /** Requests of one pod that wait for an answer at a time; of more it could not be asked. */
  static final int MOST_OF_POD = 256;

  /** A quarter of what a client takes, so that one pod leaves room for others. */
  static final int MOST_OCTETS_OF_POD = GrpcClient.MOST_BYTES / 4;

  private final EventLoop loop;
  private final GrpcClient client;
  private final Means means;
  private final Consumer<Authorized> counts;
  private @Nullable MeshSnapshot known;
  private @Nullable ExternalAuthorization asked; // by that one
  private List<InetSocketAddress> addresses = List.of();

  /**
   * Asks nobody yet.
   *
   * @param sockets how those of the daemon itself are set up
   * @param budget that what waits is counted for
   * @param counts hears what became of each request
   */
  public Authorizer(
      EventLoop loop,
      Means means,
      SocketSetup sockets,
      ByteBufAllocator allocator,
      BufferBudget budget,
      Consumer<Authorized> counts) {
    this.loop = loop;
    this.means = means;
    this.counts = counts;
    this.client =
        new GrpcClient(
            loop,
            sockets,
            allocator,
            budget,
            why -> means.failed("authorizer_not_reached reason=\"" + why + "\"", null));
  }

  /** To be called with each snapshot sooner or later: whom nobody asks any more is left. */
  public void follow(MeshSnapshot snapshot) {
    if (known != snapshot) {
      known = snapshot;
      asked = snapshot.settings().authorizationOrNull();
      addresses = asked == null ? List.of() : asked.addresses(snapshot);
      client.asks(
          addresses,
          asked == null ? "" : authority(asked),
          asked == null ? 1 : asked.timeoutMillis());
    }
  }

  private static String authority(ExternalAuthorization asked) {
    String host = asked.host().indexOf(':') < 0 ? asked.host() : "[" + asked.host() + "]";
    return host + ":" + asked.port();
  }

  /**
   * Asks about a request, where somebody is to be asked: what is sent to the authoriser itself is
   * not, since that would have no end.
   *
   * @param called where the request was sent
   * @param told runs when it is known, never before this returns
   */
  @Nullable Authorization ask(
      MeshSnapshot snapshot,
      Head request,
      Subject subject,
      InetSocketAddress called,
      String version,
      LocalPod pod,
      Runnable told) {
    follow(snapshot);
    ExternalAuthorization by = asked;
    return by == null || addresses.contains(called)
        ? null
        : new Authorization(by.failOpen(), request, subject, called, version, pod, told);
  }

  @Override
  public void close() {
    client.close();
  }

  /** One request about which is asked. */
  final class Authorization implements GrpcCall.Listener {
    private boolean failOpen;
    private final int octets;
    private final LocalPod pod;
    private final Runnable told;
    private @Nullable GrpcCall call; // until it is known
    private AuthorizationMessages.@Nullable Answer answer;
    private boolean waits = true;

    Authorization(
        boolean failOpen,
        Head request,
        Subject subject,
        InetSocketAddress called,
        String version,
        LocalPod pod,
        Runnable told) {
      this.failOpen = failOpen;
      this.pod = pod;
      this.told = told;
      var message = AuthorizationMessages.request(request, subject, called, version);
      octets = message.getSerializedSize();
      int others = pod.authorizing.getAndIncrement();
      if (pod.authorizingOctets.addAndGet(octets) <= MOST_OCTETS_OF_POD && others < MOST_OF_POD) {
        call = client.call(AuthorizationMessages.PATH, message, this);
      }
      if (call == null) {
        // Callers bring this about, so that it must open nothing.
        loop.execute(() -> failed("as many requests as may wait for it", true));
      }
    }

    @Override
    public void answered(ByteString message) {
      try {
        answer = AuthorizationMessages.answer(message);
      } catch (IllegalArgumentException e) {
        failed(String.valueOf(e.getMessage()), true);
        return;
      }
      counts.accept(
          answer instanceof AuthorizationMessages.Answer.Denied
              ? Authorized.DENIED
              : Authorized.OK);
      end();
      told.run();
    }

    @Override
    public void failed(String why, boolean answered) {
      if (waits) {
        failOpen &= !answered;
        means.failed("authorizer_failed reason=\"" + why + "\"", null);
        counts.accept(failOpen ? Authorized.FAILURE_MODE_ALLOWED : Authorized.ERROR);
        end();
        told.run();
      }
    }

    private void end() {
      waits = false;
      call = null;
      pod.authorizing.decrementAndGet();
      pod.authorizingOctets.addAndGet(-octets);
    }

    /** What was answered; null where nothing was that could be used. */
    AuthorizationMessages.@Nullable Answer answerOrNull() {
      return answer;
    }

    /** Whether the request waits for it. */
    boolean isUnderWay() {
      return waits;
    }

    /** Whether the request goes on without an answer. */
    boolean failsOpen() {
      return failOpen;
    }

    /** Nobody waits for it any more. */
    void cancel() {
      GrpcCall open = call;
      if (waits) {
        end();
      }
      if (open != null) {
        open.cancel();
      }
    }
  }
}
