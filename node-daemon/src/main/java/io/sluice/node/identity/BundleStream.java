package io.sluice.node.identity;

import io.sluice.node.identity.control.ControlFailure;
import io.sluice.node.identity.control.ControlFailure.Reason;
import io.sluice.node.identity.control.ControllerClient;
import io.sluice.node.identity.x509.TrustRoots;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The one call by which the trust bundle is followed, which also shows that the controller is
 * there. Owned by the keeper's thread, to which its messages go.
 */
final class BundleStream {
  /** Told on the keeper's thread. */
  interface Listener {
    /** The first answer has come: the request is no longer pending. */
    void opened();

    void received(TrustRoots roots);

    /**
     * It has ended.
     *
     * @param wasOpen whether an answer had come
     */
    void ended(ControlFailure failure, boolean wasOpen);
  }

  private final ControllerClient controller;
  private final Consumer<Runnable> mailbox;
  private final Listener listener;

  /** The newest one that was not looked at: a flood of them costs one message. */
  private final AtomicReference<@Nullable TrustRoots> unseen = new AtomicReference<>();

  private boolean running;
  private volatile boolean open;

  BundleStream(ControllerClient controller, Consumer<Runnable> mailbox, Listener listener) {
    this.controller = controller;
    this.mailbox = mailbox;
    this.listener = listener;
  }

  /** Whether it is under way. */
  boolean isRunning() {
    return running;
  }

  /** Whether the controller answers on it; any thread. */
  boolean isOpen() {
    return open;
  }

  /** Starts it on a thread of its own. */
  void start() {
    running = true;
    Thread.ofVirtual().name("sluice-identity-bundle").start(this::follow);
  }

  private void follow() {
    ControlFailure end;
    try {
      controller.followTrustBundle(roots -> {
        if (unseen.getAndSet(roots) == null) {
          mailbox.accept(this::look);
        }
      });
      end = new ControlFailure(Reason.INTERNAL, "the trust bundle ended without a reason");
    } catch (ControlFailure e) {
      end = e;
    } catch (RuntimeException e) {
      // Top frame of the thread: the keeper must learn of it, whatever it is.
      end = new ControlFailure(Reason.INTERNAL, "following the trust bundle failed: " + e, e);
    }
    ControlFailure failure = end;
    mailbox.accept(() -> ended(failure));
  }

  private void look() {
    if (!open) {
      open = true;
      listener.opened();
    }
    TrustRoots newest = unseen.getAndSet(null);
    if (newest != null) {
      listener.received(newest);
    }
  }

  private void ended(ControlFailure failure) {
    boolean wasOpen = open;
    running = false;
    open = false;
    listener.ended(failure, wasOpen);
  }
}
