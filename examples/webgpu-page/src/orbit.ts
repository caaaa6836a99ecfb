import { type Camera, lookAt } from 'mirrorspace/raytracer';

/** Where the viewer is: on a sphere round the scene, which it looks at. Angles are in radians. */
export interface Orbit {
  /** About the vertical; 0 is in front. */
  readonly turn: number;
  /** Above the ground. */
  readonly height: number;
  /** From the middle of the scene. */
  readonly distance: number;
}

export const START: Orbit = { turn: -0.12, height: 0.27, distance: 4.4 };

const FIELD_OF_VIEW = 0.82;
const CENTRE = [0.05, 0.5, -0.4] as const;
const [LOWEST, HIGHEST] = [0.04, 1.45];
const [NEAREST, FARTHEST] = [1.8, 12];

/** The orbit after a move by angles, and by a factor of the distance. Stays above the ground and in sight. */
export function moved(orbit: Orbit, turn: number, height: number, zoom = 1): Orbit {
  const between = (low: number, value: number, high: number): number => Math.min(high, Math.max(low, value));
  return {
    turn: (orbit.turn + turn) % (2 * Math.PI),
    height: between(LOWEST, orbit.height + height, HIGHEST),
    distance: between(NEAREST, orbit.distance * zoom, FARTHEST),
  };
}

/** The camera of a picture `aspect` times as wide as high. */
export function cameraOf({ turn, height, distance }: Orbit, aspect: number): Camera {
  const [x, y, z] = CENTRE;
  const across = distance * Math.cos(height);
  const eye = [x + across * Math.sin(turn), y + distance * Math.sin(height), z + across * Math.cos(turn)] as const;
  return lookAt(eye, CENTRE, FIELD_OF_VIEW, aspect);
}
