import type { ReactNode } from 'react';
import { Link } from '../navigation.js';
import { BrandIcon } from './icons.js';

interface PageProps {
  current: 'worklist' | 'study' | 'admin';
  /** Right end of the bar. */
  status?: ReactNode;
  /** Middle of the bar. */
  toolbar?: ReactNode;
  children: ReactNode;
}

export function Page({ current, status, toolbar, children }: PageProps) {
  return (
    <div className={`page page-${current}`}>
      <header className="bar">
        <Link to="/" className="brand">
          <BrandIcon />
          Isocenter
        </Link>
        <nav>
          <Link to="/" current={current === 'worklist'}>
            Worklist
          </Link>
          <Link to="/admin" current={current === 'admin'}>
            Admin
          </Link>
        </nav>
        <div className="bar-middle">{toolbar}</div>
        {status}
      </header>
      <main>{children}</main>
    </div>
  );
}
