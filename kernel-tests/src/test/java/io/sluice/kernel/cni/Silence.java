package io.sluice.kernel.cni;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.capture.FrameCapture;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Datagrams;
import io.sluice.lab.site.Site;
import io.sluice.lab.site.SitePod;
import io.sluice.linux.socket.Sockets.Family;
import java.nio.file.Path;

/** Lets canaries sing inside sandboxes, and listens to every frame of the node. */
final class Silence implements AutoCloseable {
  private static final String WORD = "canary-e61b0c44";

  /** The variable by which the program is told its word. */
  static final String ENVIRONMENT = "CANARY=" + WORD;

  private static final String MARKER = "marker-77ab1290";
  private static final int PORT = 7_777;

  private final Site site;
  private final SitePod stranger;
  private final FrameCapture capture;
  private final Canary canary;

  private Silence(Site site, SitePod stranger, FrameCapture capture, Canary canary) {
    this.site = site;
    this.stranger = stranger;
    this.capture = capture;
    this.canary = canary;
  }

  /** Listens from now on. */
  static Silence around(CniSite site) {
    return around(site.site, site.stranger);
  }

  /** The same for a pod of any site that may not be called. */
  static Silence around(Site site, SitePod stranger) {
    Canary canary = Canary.calling(stranger, PORT);
    return new Silence(site, stranger, site.node().capture(), canary);
  }

  /** What sings, given {@link #ENVIRONMENT}. */
  Path program() {
    return canary.program();
  }

  /** A program starts in the sandbox and talks from its first instruction. */
  void sing(SitePod inside) {
    canary.sing(inside, WORD);
  }

  /** Takes in the frames so far, before they become too many. */
  void listen() {
    assertThat(capture.dropped()).as("frames the capture missed").isZero();
  }

  /** Fails when a canary was heard, or could have been missed. */
  void assertKept() {
    Datagrams.send(stranger, Family.IPV4, site.node().at(Family.IPV4, PORT), MARKER);
    Await.until("the marker is heard", () -> capture.hasSeen(MARKER));
    assertThat(capture.hasSeen(WORD)).as("a canary is on the wire").isFalse();
    assertThat(capture.dropped()).as("frames the capture missed").isZero();
  }

  /** Waits until a canary is heard: of a pod that may talk. */
  void awaitHeard() {
    Await.until("the canary is heard", () -> capture.hasSeen(WORD));
  }

  @Override
  public void close() {
    capture.close();
  }
}
