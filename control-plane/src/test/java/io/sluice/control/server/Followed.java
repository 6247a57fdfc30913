package io.sluice.control.server;

import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import io.sluice.api.identity.v1.FollowTrustBundleRequest;
import io.sluice.api.identity.v1.TrustBundle;
import io.sluice.await.Await;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/** What one stream of trust bundles brought. */
final class Followed implements StreamObserver<TrustBundle> {
  private final List<TrustBundle> bundles = new CopyOnWriteArrayList<>();
  private volatile @Nullable Throwable failure;
  private volatile boolean completed;

  /** Follows until the first bundle, or the refusal, is there. */
  static Followed by(NodeClient node) {
    Followed followed = new Followed();
    node.following().followTrustBundle(FollowTrustBundleRequest.getDefaultInstance(), followed);
    Await.until("the first bundle", () -> !followed.bundles.isEmpty() || followed.failure != null);
    return followed;
  }

  @Override
  public void onNext(TrustBundle bundle) {
    bundles.add(bundle);
  }

  @Override
  public void onError(Throwable e) {
    failure = e;
  }

  @Override
  public void onCompleted() {
    completed = true;
  }

  List<TrustBundle> bundles() {
    return bundles;
  }

  @Nullable Throwable failure() {
    return failure;
  }

  boolean completed() {
    return completed;
  }

  /** The word for why the stream ended. */
  String reason() {
    return failure instanceof StatusRuntimeException refused && refused.getTrailers() != null
        ? String.valueOf(refused.getTrailers().get(Answers.REASON))
        : String.valueOf(failure);
  }
}
