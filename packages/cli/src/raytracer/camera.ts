/** Three numbers: x to the right, y up, z towards the viewer. */
export type Vector = readonly [number, number, number];

/** A pinhole camera. `right` and `up` reach from the middle of the picture to its edges at distance 1. */
export interface Camera {
  readonly eye: Vector;
  readonly right: Vector;
  readonly up: Vector;
  readonly forward: Vector;
}

/** A camera at `eye` that looks at `at`; `fieldOfView` is the angle between the picture's left and right edge, in radians. */
export function lookAt(eye: Vector, at: Vector, fieldOfView: number, aspect: number): Camera {
  const forward = unit([at[0] - eye[0], at[1] - eye[1], at[2] - eye[2]]);
  const right = unit([-forward[2], 0, forward[0]]);
  const up: Vector = [
    right[1] * forward[2] - right[2] * forward[1],
    right[2] * forward[0] - right[0] * forward[2],
    right[0] * forward[1] - right[1] * forward[0],
  ];
  const half = Math.tan(fieldOfView / 2);
  return { eye, right: scaled(right, half), up: scaled(up, half / aspect), forward };
}

function scaled([x, y, z]: Vector, factor: number): Vector {
  return [x * factor, y * factor, z * factor];
}

function unit(vector: Vector): Vector {
  return scaled(vector, 1 / Math.sqrt(vector[0] ** 2 + vector[1] ** 2 + vector[2] ** 2));
}
